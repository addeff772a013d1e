"""A product's fields as they come in JSON: what can be judged before anything is encoded."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from ensemble.errors import InvalidInput

FIELDS = ("id", "title", "category", "price", "available", "image", "attributes")
MAX_JSON_BYTES = 64 * 1024
MAX_ID_CHARS = 256
_MAX_SHOWN_CHARS = 80


def read_object(data: bytes, fields: tuple[str, ...], name: str) -> dict[str, Any]:
    """Parse a JSON object that has no other fields than these.

    Raises:
        InvalidInput: Too long, not JSON, not an object, or with an unknown field.
    """
    if len(data) > MAX_JSON_BYTES:
        raise InvalidInput(name, f"{len(data):,} bytes; at most {MAX_JSON_BYTES:,} are allowed")
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(name, f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidInput(name, f"a JSON object is needed, with fields among {', '.join(fields)}")
    unknown = sorted(set(found) - set(fields))
    if unknown:
        raise InvalidInput(name, f"unknown field {shown(unknown[0])}; allowed: {', '.join(fields)}")
    return found


def check_fields(fields: Mapping[str, Any], name: str) -> None:
    """Refuse values that no product can have; null is as good as absent.

    Raises:
        InvalidInput: Names the field below ``name``, as in ``PRODUCT.price``.
    """
    for field, check in _CHECKS.items():
        if fields.get(field) is not None:
            check(f"{name}.{field}", fields[field])


def check_id(name: str, value: object) -> None:
    """Refuse what no product can have as its id.

    Raises:
        InvalidInput: Not a string, empty, or too long.
    """
    _check_text(name, value)
    if not 1 <= len(str(value).strip()) <= MAX_ID_CHARS:
        raise InvalidInput(name, f"{len(str(value).strip())} characters; 1 to {MAX_ID_CHARS} are allowed")


def shown(value: object) -> str:
    """A value as an error quotes it: its JSON, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "..."


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InvalidInput(name, f"{shown(value)}; a string is needed")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(name, "holds half of a surrogate pair")
    if "\0" in value:
        raise InvalidInput(name, "holds a NUL character")


def _check_category(name: str, value: object) -> None:
    _check_text(name, value)
    # Catalogue files may write "A > B"; were it taken here too, one category would have two texts.
    if ">" in str(value):
        raise InvalidInput(name, f'{shown(value)}; a path such as "Kitchen/Mugs" is needed')


def _check_price(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not _finite(value) or value < 0:
        raise InvalidInput(name, f"{shown(value)}; a finite number of at least 0 is needed")


def _check_flag(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise InvalidInput(name, f"{shown(value)}; true or false is needed")


def _check_attributes(name: str, value: object) -> None:
    if not isinstance(value, dict):
        raise InvalidInput(name, "an object of name and value is needed")
    for key, each in value.items():
        if not key.strip() or key in FIELDS:
            raise InvalidInput(name, f"{shown(key)}; a name that is not empty and that no field has is needed")
        _check_text(name, key)
        if isinstance(each, str):
            _check_text(f"{name}.{key}", each)
        elif each is not None and not (isinstance(each, int | float) and _finite(each)):
            raise InvalidInput(f"{name}.{key}", f"{shown(each)}; a string, a finite number or a flag is needed")


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


_CHECKS: Mapping[str, Callable[[str, object], None]] = {
    "id": check_id,
    "title": _check_text,
    "category": _check_category,
    "price": _check_price,
    "available": _check_flag,
    "image": _check_text,
    "attributes": _check_attributes,
}
