"""Values of a catalogue file to values of a product. Pure functions; ``Refused`` says what is allowed."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from catalogue.columns import AttributeType
from catalogue.product import Attribute

TRUE_WORDS = ("true", "yes", "1")
FALSE_WORDS = ("false", "no", "0")
_PARTING = str.maketrans("/>", "--")


class Refused(ValueError):
    """A value that is not allowed; the message says what is."""


def missing(value: object) -> bool:
    """Whether a cell holds nothing: null, not a number, or only white space."""
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or (isinstance(value, str) and not value.strip())
    )


def text(value: object) -> str:
    """A string of valid Unicode, stripped.

    Raises:
        Refused: Not a string, or not UTF-8 in the file.
    """
    if not isinstance(value, str):
        raise Refused("a string")
    check_unicode(value)
    return value.strip()


def check_unicode(value: str) -> None:
    """Refuse what cannot be written as UTF-8, the name of an attribute as well as a value.

    Raises:
        Refused: It holds a lone surrogate.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise Refused("valid UTF-8") from None


def identifier(value: object) -> str:
    """An id: a string, or a whole number written as one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    try:
        return text(value)
    except Refused:
        raise Refused("a string or a whole number") from None


def category(value: object) -> str:
    """A path from a list of levels, ``"A/B"`` or ``"A > B"``.

    A slash inside a level of a list or of an ``A > B`` path becomes a hyphen, because it parts the levels of a path;
    so does a ``>`` inside a level of a list. What comes out stays as it is when it is read again.
    """
    if isinstance(value, str):
        value = text(value)
        levels = value.split(">") if ">" in value else value.split("/")
    elif isinstance(value, list | tuple) and all(isinstance(level, str) for level in value):
        levels = [text(level) for level in value]
    else:
        raise Refused('a list of levels, or a path such as "Kitchen/Mugs" or "Kitchen > Mugs"')
    named = (level.strip().translate(_PARTING) for level in levels)
    return "/".join(level for level in named if level)


def number(value: object) -> float:
    """A finite number; text is read as one."""
    if isinstance(value, bool) or not isinstance(value, int | float | decimal.Decimal | str):
        raise Refused("a number")
    try:
        result = float(value)
    except (ValueError, OverflowError):
        raise Refused("a number") from None
    if not math.isfinite(result):
        raise Refused("a finite number")
    return result


def whole_or_not(value: object) -> int | float:
    """A finite number that stays whole where the file has it whole: 42 and ``"42"``, but not 42.0."""
    result = number(value)
    if isinstance(value, decimal.Decimal):
        value = str(value)
    try:
        return int(value) if isinstance(value, int | str) else result
    except ValueError:
        return result


def price(value: object) -> float:
    """A price of at least 0."""
    result = number(value)
    if result < 0:
        raise Refused("a number of at least 0")
    return result


def flag(value: object) -> bool:
    """A flag: a boolean, 0, 1, or a word such as ``yes``."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, int | str) else ""
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise Refused(f"true or false, or one of {', '.join(TRUE_WORDS + FALSE_WORDS)}")


def attribute(value: Any, kind: AttributeType = "any") -> Attribute:
    """A value of an attribute, read as ``kind``."""
    readers: dict[AttributeType, Callable[[Any], Attribute]] = {
        "number": whole_or_not,
        "flag": flag,
        "text": _as_text,
        "any": _as_it_is,
    }
    return readers[kind](value)


def _as_text(value: object) -> str:
    """As filters write it: 42 for 42.0, and ``true`` for a flag."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return text(value if isinstance(value, str) else str(value))


def _as_it_is(value: object) -> Attribute:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float | decimal.Decimal):
        return whole_or_not(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, str):
        return text(value)
    raise Refused("a string, a number or a flag")


def mapping(value: object) -> Mapping[str, Any]:
    """The pairs of an ``attributes`` column: an object, a list of pairs (Parquet's map), or JSON text (CSV)."""
    allowed = "an object of name and value"
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise Refused(f"{allowed}, as JSON") from None
    if isinstance(value, list):
        try:
            value = dict(value)
        except (TypeError, ValueError):
            raise Refused(allowed) from None
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise Refused(allowed)
    return value
