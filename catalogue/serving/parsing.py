"""The tensors of one request to what is to be written; each mistake is told by input, field and row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from catalogue.columns import Columns
from catalogue.database import Entry, Patch, Space, Vector
from catalogue.product import Product
from catalogue.rows import product as product_of
from ensemble.errors import InvalidInput
from ensemble.product import parse_products
from ensemble.product_checks import check_fields, check_id, read_object
from ensemble.serving import Tensors

T = TypeVar("T")

PATCH_FIELDS = ("id", "price", "available", "attributes")
_COLUMNS = Columns()
_LENGTH_TOLERANCE = 0.01


def entries_of(inputs: Tensors, space: Space) -> list[Entry]:
    """Products with their pictures and rows.

    Args:
        inputs: ``PRODUCT`` and ``IMAGE`` ``(batch, 1)`` bytes, ``ROW`` ``(batch, row_dim)`` float32 and, where the
            caller tells it, ``SPACE_ID`` ``(batch, 1)`` bytes.
        space: What the rows are of.

    Raises:
        InvalidInput: A product, its picture or its row cannot be written; names the row.
    """
    parsed = parse_products(_column(inputs, "PRODUCT"))
    products = _each(parsed, _product)
    pictures, rows = _column(inputs, "IMAGE"), inputs["ROW"]
    _each(list(zip(products, pictures, strict=True)), lambda pair: _check_picture(*pair))
    if "SPACE_ID" in inputs:
        _each(_column(inputs, "SPACE_ID"), lambda value: _check_space(value, space))
    _each(list(rows), lambda row: check_row(row, space))
    triples = zip(products, pictures, rows, strict=True)
    return [Entry(product, picture or None, Vector(space.space_id, row)) for product, picture, row in triples]


def patches_of(inputs: Tensors) -> list[Patch]:
    """Changes of products, from ``PATCH`` ``(batch, 1)`` bytes.

    Raises:
        InvalidInput: One is not JSON, or has a field or a value that is not allowed; names the row.
    """
    return _each(_column(inputs, "PATCH"), _patch)


def ids_of(inputs: Tensors) -> list[str]:
    """Ids of products, from ``PRODUCT_ID`` ``(batch, 1)`` bytes.

    Raises:
        InvalidInput: One is not UTF-8, empty, or too long; names the row.
    """
    return _each(_column(inputs, "PRODUCT_ID"), _id)


def check_row(row: NDArray[np.float32], space: Space) -> None:
    """Refuse what cannot be a row of the space.

    Raises:
        InvalidInput: Of another length, not finite, or with a half that is neither zero nor of length 1.
    """
    if row.shape != (space.row_dim,):
        raise InvalidInput("ROW", f"{len(row)} numbers; this release's space has {space.row_dim}")
    if not np.isfinite(row).all():
        raise InvalidInput("ROW", "holds a value that is not finite")
    for name, half in (("text", row[: space.text_dim]), ("image", row[space.text_dim :])):
        length = float(np.linalg.norm(half.astype(np.float64)))
        if length and abs(length - 1) > _LENGTH_TOLERANCE:
            raise InvalidInput("ROW", f"its {name} half has length {length:.4g}; 1, or 0 for none, is needed")


def _product(parsed: dict[str, Any]) -> Product:
    check_id("PRODUCT.id", parsed.get("id") or "")
    if not parsed["title"].strip():
        raise InvalidInput("PRODUCT.title", "empty; give at least one character")
    made = product_of(0, parsed, _COLUMNS)
    if isinstance(made, Product):
        return made
    problem = made[0]
    raise InvalidInput(f"PRODUCT.{problem.field}", f"{problem.value}; allowed: {problem.allowed}")


def _check_picture(product: Product, picture: bytes) -> None:
    if product.image and not picture:
        raise InvalidInput(
            "IMAGE",
            f"empty, though PRODUCT.image names {product.image!r}; send its bytes, or leave out image",
        )


def _check_space(told: bytes, space: Space) -> None:
    if told and told != space.space_id.encode():
        raise InvalidInput("SPACE_ID", f"{told[:80]!r}; the space of this release is {space.space_id}")


def _patch(data: bytes) -> Patch:
    told = read_object(data, PATCH_FIELDS, "PATCH")
    name = told.pop("id", "")
    check_id("PATCH.id", name)
    check_fields(told, "PATCH")
    if not told:
        raise InvalidInput("PATCH", f"changes nothing; give at least one of {', '.join(PATCH_FIELDS[1:])}")
    return Patch(name.strip(), told)


def _id(data: bytes) -> str:
    try:
        told = data.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("PRODUCT_ID", f"not UTF-8: {error.reason} at byte {error.start}") from None
    check_id("PRODUCT_ID", told)
    return told.strip()


def _column(inputs: Tensors, name: str) -> list[bytes]:
    return list(inputs[name].ravel().tolist())


def _each(values: Sequence[Any], make: Callable[[Any], T]) -> list[T]:
    made = []
    for row, value in enumerate(values):
        try:
            made.append(make(value))
        except InvalidInput as error:
            raise error.at(row, of=len(values)) from None
    return made
