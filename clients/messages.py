"""Requests and answers as tensors. Pure, and shared by the four transports.

A `Call` is a request before it is bound to a protocol: the model, its input tensors, and how to read the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from clients.errors import BadInput, ServerFault
from clients.values import Answer, Filter, Image, Query, Result, Text

T_co = TypeVar("T_co", covariant=True)
Array = NDArray[Any]
Vectors = NDArray[np.float32]
Product = Mapping[str, object]


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
    """One request to one model, and how to read its answer."""

    model: str
    inputs: tuple[Tensor, ...]
    parse: Callable[[Outputs], T_co]


def search(queries: Sequence[Query]) -> Call[list[Answer]]:
    """One request with a row for each query.

    Raises:
        BadInput: No query, queries of different kinds (text, photo, both), or one that cannot be sent.
    """
    if not queries:
        raise BadInput("queries: none; give at least one")
    model = queries[0].model
    for row, query in enumerate(queries):
        if query.model != model:
            raise BadInput(f"queries[{row}]: is for {query.model}, queries[0] for {model}; one request takes one kind")
    inputs = [_integers("K", [query.k for query in queries])]
    if texts := [_utf8(query.text) for query in queries if query.text is not None]:
        inputs.append(_bytes("TEXT", texts))
    if images := [image_bytes(query.image) for query in queries if query.image is not None]:
        inputs.append(_bytes("IMAGE", images))
    if any(query.weights is not None for query in queries):
        inputs.append(_floats("WEIGHTS", [query.weights or (1.0, 1.0) for query in queries]))
    if any(query.filter is not None for query in queries):
        filters = [b"" if query.filter is None else _json("FILTER", query.filter) for query in queries]
        inputs.append(_bytes("FILTER", filters))
    return Call(model, tuple(inputs), read_answers)


def embed_text(texts: Sequence[Text]) -> Call[Vectors]:
    """Text vectors, ``(rows, d_text)``, L2-normalised."""
    return Call("embed_text", (_bytes("TEXT", [_utf8(text) for text in texts]),), _vectors("TEXT_VECTOR"))


def embed_image(images: Sequence[Image]) -> Call[Vectors]:
    """Image vectors, ``(rows, d_image)``, L2-normalised.

    Raises:
        BadInput: A file cannot be read.
    """
    return Call("embed_image", (_bytes("IMAGE", [image_bytes(image) for image in images]),), _vectors("IMAGE_VECTOR"))


def embed_product(products: Sequence[tuple[Product, Image | None]]) -> Call[Vectors]:
    """Rows of the index, ``(rows, d_text + d_image)``; a product without an image has a zero half.

    Raises:
        BadInput: A product cannot be written as JSON, or its file cannot be read.
    """
    texts = [_json("PRODUCT", product) for product, _ in products]
    images = [b"" if image is None else image_bytes(image) for _, image in products]
    return Call("embed_product", (_bytes("PRODUCT", texts), _bytes("IMAGE", images)), _vectors("ROW"))


def read_answers(outputs: Outputs) -> list[Answer]:
    """The answers of one search request, one a row.

    Raises:
        ServerFault: An output is missing, or a product is not the JSON object that it should be.
    """
    names = ("PRODUCT_ID", "SCORE", "PRODUCT", "COUNT", "RELEASE", "SEQ")
    ids, scores, products, counts, releases, seqs = (_output(outputs, name) for name in names)
    answers = []
    for row, count in enumerate(counts[:, 0]):  # beyond the count a row is padding
        found = map(read_result, ids[row, :count], scores[row, :count], products[row, :count])
        answers.append(Answer(release=int(releases[row, 0]), seq=int(seqs[row, 0]), results=tuple(found)))
    return answers


def read_result(product_id: bytes, score: float, product: bytes) -> Result:
    """One product of an answer.

    Raises:
        ServerFault: ``product`` is not a JSON object with the fields of a product.
    """
    try:
        told = json.loads(product)
        return Result(
            id=product_id.decode(),
            score=float(score),
            title=str(told.get("title") or ""),
            category=str(told.get("category") or ""),
            price=None if told.get("price") is None else float(told["price"]),
            available=told.get("available"),
            image=told.get("image"),
            attributes=dict(told.get("attributes") or {}),
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise ServerFault(f"PRODUCT {product_id!r}: not the JSON of a product ({error}): {product[:80]!r}") from None


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


def _utf8(text: Text) -> bytes:
    # A lone surrogate becomes bytes that are not UTF-8, which the server refuses in its own words
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def _json(name: str, value: Filter) -> bytes:
    if isinstance(value, (str, bytes)):
        return _utf8(value)
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"{name}: cannot be written as JSON: {error}") from None


def _bytes(name: str, values: Sequence[bytes]) -> Tensor:
    if not values:
        raise BadInput(f"{name}: no rows; give at least one")
    # dtype object: numpy's own bytes type would cut trailing zero bytes
    return Tensor(name, "BYTES", np.array(values, dtype=object).reshape(-1, 1))


def _integers(name: str, values: Sequence[int]) -> Tensor:
    limits = np.iinfo(np.int32)
    for value in values:
        if not limits.min <= value <= limits.max:
            raise BadInput(f"{name}: {value} does not fit a 32-bit integer")
    return Tensor(name, "INT32", np.array(values, dtype=np.int32).reshape(-1, 1))


def _floats(name: str, values: Sequence[tuple[float, float]]) -> Tensor:
    with np.errstate(over="ignore"):  # beyond float32 is infinite, which the server refuses
        return Tensor(name, "FP32", np.array(values, dtype=np.float32))


def _output(outputs: Outputs, name: str) -> Array:
    array = outputs.as_numpy(name)
    if array is None:
        raise ServerFault(f"the answer has no {name}; is this a Tandem server of the same version?")
    return array


def _vectors(name: str) -> Callable[[Outputs], Vectors]:
    return lambda outputs: _output(outputs, name)
