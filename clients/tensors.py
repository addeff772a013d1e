"""Tensors in and out, and what the messages are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from clients.errors import BadInput, ServerFault
from clients.values import Image, Product, Text

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
Array = NDArray[Any]
Vectors = NDArray[np.float32]


class Outputs(Protocol):
    """The output tensors of one answer, as tritonclient's result objects give them."""

    def as_numpy(self, name: str) -> Array | None:
        """One tensor, its first axis the rows of the request; None where it is absent."""


@dataclass(frozen=True)
class Tensor:
    """One input: ``data`` is ``(rows, width)``, of bytes objects where ``datatype`` is ``BYTES``."""

    name: str
    datatype: str
    data: Array


@dataclass(frozen=True)
class Call(Generic[T_co]):
    """One request to one model, and how to read its answer; ``id`` is what the server knows it as."""

    model: str
    inputs: tuple[Tensor, ...]
    parse: Callable[[Outputs], T_co]
    id: str = ""


def image_bytes(image: Image) -> bytes:
    """The bytes of a picture, from memory or from its file.

    Raises:
        BadInput: The file cannot be read.
    """
    if not isinstance(image, Path):
        return image
    try:
        return image.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"IMAGE: cannot read {str(image)!r}: {reason}") from None


def utf8(text: Text) -> bytes:
    """A text as it is sent."""
    # A lone surrogate becomes bytes that are not UTF-8, which the server refuses in its own words
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def json_bytes(name: str, value: Mapping[str, object] | Text) -> bytes:
    """A mapping as JSON; what is text already is sent as it is.

    Raises:
        BadInput: It cannot be written as JSON.
    """
    if isinstance(value, (str, bytes)):
        return utf8(value)
    try:
        # As it is, not escaped: a letter of six bytes would count six times against the server's bound
        return utf8(json.dumps(value, ensure_ascii=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"{name}: cannot be written as JSON: {error}") from None


def byte_rows(name: str, values: Sequence[bytes]) -> Tensor:
    """``(rows, 1)`` BYTES.

    Raises:
        BadInput: No rows.
    """
    if not values:
        raise BadInput(f"{name}: no rows; give at least one")
    # dtype object: numpy's own bytes type would cut trailing zero bytes
    return Tensor(name, "BYTES", np.array(values, dtype=object).reshape(-1, 1))


def id_rows(name: str, rows: Sequence[Sequence[str]]) -> Tensor:
    """``(rows, width)`` BYTES: as wide as the longest row, and at least 1; shorter ones end in empty ids."""
    return Tensor(name, "BYTES", np.array(padded([[utf8(one) for one in row] for row in rows], b""), dtype=object))


def padded(rows: Sequence[Sequence[T]], end: T) -> list[list[T]]:
    """The rows, all as long as the longest one, and at least 1: shorter ones end in ``end``."""
    width = max(1, *map(len, rows))
    return [[*row, *[end] * (width - len(row))] for row in rows]


def product_rows(products: Sequence[tuple[Product, Image | None]]) -> tuple[Tensor, Tensor]:
    """``PRODUCT`` and ``IMAGE``, which is empty where a product has no picture.

    Raises:
        BadInput: A product cannot be written as JSON, or its file cannot be read.
    """
    texts = [json_bytes("PRODUCT", product) for product, _ in products]
    images = [b"" if image is None else image_bytes(image) for _, image in products]
    return byte_rows("PRODUCT", texts), byte_rows("IMAGE", images)


def integer_rows(name: str, values: Sequence[int] | Sequence[Sequence[int]], datatype: str = "INT32") -> Tensor:
    """``(rows, 1)`` INT32 or INT64 of numbers, ``(rows, width)`` of rows of one width.

    Raises:
        BadInput: A value does not fit.
    """
    limits = np.iinfo(datatype.lower())
    rows = [[value] if isinstance(value, int) else value for value in values]
    for value in chain.from_iterable(rows):
        if not limits.min <= value <= limits.max:
            raise BadInput(f"{name}: {value} does not fit a {limits.bits}-bit integer")
    return Tensor(name, datatype, np.array(rows, limits.dtype))


def float_rows(name: str, values: Sequence[Sequence[float]]) -> Tensor:
    """``(rows, width)`` FP32; all rows of one width."""
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which the server refuses
        return Tensor(name, "FP32", np.array(values, dtype=np.float32))


def output(outputs: Outputs, name: str) -> Array:
    """One tensor of an answer.

    Raises:
        ServerFault: It is missing.
    """
    array = outputs.as_numpy(name)
    if array is None:
        raise ServerFault(f"the answer has no {name}; is this a Tandem server of the same version?")
    return array


def text_of(name: str, value: bytes) -> str:
    """A string of an answer.

    Raises:
        ServerFault: It is not UTF-8.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ServerFault(f"{name} {value[:80]!r}: not UTF-8") from None
