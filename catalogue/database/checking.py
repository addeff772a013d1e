"""What may be written: products, ids and vectors, checked before a transaction begins."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalogue import values
from catalogue.columns import Columns
from catalogue.database.values import Row, Space
from catalogue.errors import BadEntry, UnknownSpace, plain, shown
from catalogue.product import FIELDS, MAX_ID_CHARS, Product
from catalogue.rows import product as product_of_row

MAX_DOCUMENT_BYTES = 64 * 1024
MAX_PICTURE_BYTES = 64 * 1024 * 1024
MAX_WHOLE = 2**63 - 1

_COLUMNS = Columns()


def parse_product(data: bytes | str | Mapping[str, Any]) -> Product:
    """Read one product, as JSON or as plain Python.

    Raises:
        BadEntry: Lists every field that is not allowed.
    """
    cells = parse_object(data, "product")
    subject = _subject(cells.get("id"))
    unknown = [name for name in cells if name not in FIELDS]
    if unknown:
        allowed = f"the fields {', '.join(FIELDS)}; anything else belongs into attributes"
        raise BadEntry(subject, [f"{plain(name)} = {shown(cells[name])}; allowed: {allowed}" for name in unknown])
    made = product_of_row(0, cells, _COLUMNS)
    if isinstance(made, Product):
        return made
    raise BadEntry(subject, [f"{bad.field} = {bad.value}; allowed: {bad.allowed}" for bad in made])


def parse_object(data: bytes | str | Mapping[str, Any], what: str) -> dict[str, Any]:
    """A JSON object as plain Python; numbers that JSON does not have are refused.

    Raises:
        BadEntry: It is not one.
    """
    if isinstance(data, Mapping):
        return dict(data)
    try:
        parsed = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadEntry(what, [f"{_start(data)}; allowed: one JSON object ({error})"]) from None
    if not isinstance(parsed, dict):
        raise BadEntry(what, [f"{shown(parsed)}; allowed: one JSON object"])
    return parsed


def checked(product: Product) -> Product:
    """A product with its values as a catalogue file's are read: stripped, and attributes without a value left out.

    Raises:
        BadEntry: Lists every field that is not allowed.
    """
    made = parse_product(product.as_dict())
    if made.id != product.id:
        raise BadEntry(_subject(product.id), [f"id = {shown(product.id)}; allowed: no white space at its ends"])
    return made


def document_of(product: Product) -> str:
    """A product as the database keeps it, and as it travels on the request path.

    Raises:
        BadEntry: It is too large, or holds what no database can.
    """
    document = json.dumps(product.as_dict(), ensure_ascii=False)
    if not _is_unicode(document):
        raise BadEntry(_subject(product.id), ["text that is not valid UTF-8; allowed: no lone surrogate"])
    problems = [*_nul_problems(product, document), *_number_problems(product), *_name_problems(product)]
    size = len(document.encode())
    if size > MAX_DOCUMENT_BYTES:
        field, largest = _largest_field(product)
        problems.append(f"{size:,} bytes, {largest:,} of them in {field}; allowed: {MAX_DOCUMENT_BYTES:,} in all")
    if problems:
        raise BadEntry(_subject(product.id), problems)
    return document


def check_id(product_id: object) -> str:
    """An id that a product can have.

    Raises:
        BadEntry: It is none.
    """
    problem = None
    if not isinstance(product_id, str):
        problem = "a string"
    elif not 1 <= len(product_id) <= MAX_ID_CHARS:
        problem = f"1 to {MAX_ID_CHARS} characters, got {len(product_id):,}"
    elif "\x00" in product_id or product_id != product_id.strip():
        problem = "no white space at its ends and no NUL character"
    elif not _is_unicode(product_id):
        problem = "valid UTF-8"
    if problem is not None:
        raise BadEntry("product", [f"id = {shown(product_id)}; allowed: {problem}"])
    return str(product_id)


def check_picture(product_id: str, picture: object) -> None:
    """Refuse a picture that is not bytes, or too large to be kept.

    Raises:
        BadEntry: It cannot be kept.
    """
    if not isinstance(picture, bytes):
        raise BadEntry(_subject(product_id), [f"picture = {shown(picture)}; allowed: its encoded bytes"])
    if len(picture) > MAX_PICTURE_BYTES:
        raise BadEntry(
            _subject(product_id), [f"picture of {len(picture):,} bytes; allowed: at most {MAX_PICTURE_BYTES:,}"]
        )


def check_row(product_id: str, row: NDArray[Any], space: Space) -> Row:
    """A product's row, as it is kept.

    Args:
        product_id: For the error.
        row: ``(row_dim,)`` of any float type.
        space: The space that it is of.

    Returns:
        ``(row_dim,)`` float16, little-endian.

    Raises:
        BadEntry: It has another shape or type, or a value that is not finite, or only zeros.
    """
    problem = None
    if not isinstance(row, np.ndarray) or row.dtype.kind != "f":
        problem = f"{shown(row)}; allowed: an array of floats"
    elif row.shape != (space.row_dim,):
        problem = (
            f"shape {row.shape}; allowed: ({space.row_dim},), as the space has {space.text_dim} values of text and"
            f" {space.image_dim} of image"
        )
    elif not np.isfinite(row).all():
        place = int(np.flatnonzero(~np.isfinite(row))[0])
        problem = f"{row[place]} at {place}; allowed: finite values"
    elif np.abs(row).max() > np.finfo(np.float16).max:
        problem = f"{np.abs(row).max():.6g}; allowed: magnitudes up to {np.finfo(np.float16).max:.0f}"
    elif not row.astype(np.float16).any():
        problem = "only zeros; allowed: at least one half with a vector"
    if problem is not None:
        raise BadEntry(_subject(product_id), [f"vector of space {_short(space.space_id)}: {problem}"])
    return row.astype("<f2")


def unknown_space(product_id: str, space_id: str, known: Mapping[str, Space]) -> UnknownSpace:
    """The refusal of a vector of a space that is not registered."""
    allowed = ", ".join(_short(name) for name in known) or "none, as no space is registered"
    return UnknownSpace(_subject(product_id), [f"vector of space {_short(space_id)}; allowed: {allowed}"])


def _nul_problems(product: Product, document: str) -> list[str]:
    if "\\u0000" not in document:  # also where a backslash itself is written so: then nothing is found below
        return []
    texts = {"id": product.id, "title": product.title, "category": product.category, "image": product.image or ""}
    for name, value in product.attributes.items():
        texts[f"attributes.{plain(name)}"] = f"{name}{value}"
    return [
        f"{name} holds a NUL character; allowed: text without one" for name, text in texts.items() if "\x00" in text
    ]


def _number_problems(product: Product) -> list[str]:
    return [
        f"attributes.{plain(name)} = {shown(value)}; allowed: finite numbers, and whole ones of 64 bits"
        for name, value in product.attributes.items()
        if isinstance(value, int | float) and not _is_kept(value)
    ]


def _is_kept(value: float) -> bool:
    return -MAX_WHOLE - 1 <= value <= MAX_WHOLE if isinstance(value, int) else math.isfinite(value)


def _name_problems(product: Product) -> list[str]:
    """What no file and no request leaves in, but a product that a program made may have."""
    problems = [
        f"attributes.{plain(name)}; allowed: a name that is not empty"
        for name in product.attributes
        if not name.strip()
    ]
    if not product.id.strip():
        problems.append(f"id = {shown(product.id)}; allowed: an id that is not empty")
    if ">" in product.category:
        problems.append(f'category = {shown(product.category)}; allowed: a path such as "Kitchen/Mugs"')
    return problems


def _largest_field(product: Product) -> tuple[str, int]:
    fields = {name: value for name, value in product.as_dict().items() if name != "attributes"}
    fields |= {f"attributes.{plain(name)}": (name, value) for name, value in product.attributes.items()}
    sizes = {name: len(json.dumps(value, ensure_ascii=False).encode()) for name, value in fields.items()}
    largest = max(sizes, key=lambda name: sizes[name])
    return largest, sizes[largest]


def _is_unicode(text: str) -> bool:
    try:
        values.check_unicode(text)
    except values.Refused:
        return False
    return True


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _start(data: bytes | str) -> str:
    return shown(data.decode("utf-8", "replace") if isinstance(data, bytes) else data)


def _subject(product_id: object) -> str:
    return "product" if product_id is None else f"product {shown(product_id)}"


def _short(space_id: str) -> str:
    return f"{space_id[:12]}..." if len(space_id) > 15 else space_id
