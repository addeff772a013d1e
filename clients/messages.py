"""Searches and embeddings as tensors. Pure, and shared by the four transports.

A `Call` is a request before it is bound to a protocol: the model, its input tensors, and how to read the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from clients.errors import BadInput, ServerFault
from clients.tensors import (
    Call,
    Outputs,
    Tensor,
    Vectors,
    byte_rows,
    float_rows,
    image_bytes,
    integer_rows,
    json_bytes,
    output,
    product_rows,
    utf8,
)
from clients.values import Answer, Filter, Image, Product, Query, Result, Text


class Question(Protocol):
    """What searches and questions for recommendations have in common."""

    @property
    def model(self) -> str:
        """The ensemble that answers."""

    @property
    def filter(self) -> Filter | None:
        """Which products may be returned; None: all."""

    @property
    def min_seq(self) -> int | None:
        """The least state of the catalogue that may answer; None: any."""


def search(queries: Sequence[Query]) -> Call[list[Answer]]:
    """One request with a row for each query.

    Raises:
        BadInput: No query, queries of different kinds (text, photo, both), or one that cannot be sent.
    """
    model = one_model(queries)
    inputs = [integer_rows("K", [query.k for query in queries])]
    if texts := [utf8(query.text) for query in queries if query.text is not None]:
        inputs.append(byte_rows("TEXT", texts))
    if images := [image_bytes(query.image) for query in queries if query.image is not None]:
        inputs.append(byte_rows("IMAGE", images))
    if any(query.weights is not None for query in queries):
        inputs.append(float_rows("WEIGHTS", [query.weights or (1.0, 1.0) for query in queries]))
    if any(query.rank is not None for query in queries):
        inputs.append(byte_rows("RANK", [utf8(query.rank or "") for query in queries]))
    return Call(model, (*inputs, *conditions(queries)), read_answers)


def one_model(queries: Sequence[Question]) -> str:
    """The model that answers all of the queries.

    Raises:
        BadInput: There are none, or they are of different kinds.
    """
    if not queries:
        raise BadInput("queries: none; give at least one")
    model = queries[0].model
    for row, query in enumerate(queries):
        if query.model != model:
            raise BadInput(f"queries[{row}]: is for {query.model}, queries[0] for {model}; one request takes one kind")
    return model


def conditions(queries: Sequence[Question]) -> Iterator[Tensor]:
    """``FILTER`` and ``MIN_SEQ``, where a query has one; a row without it is sent as an empty filter, or as 0.

    Raises:
        BadInput: A filter cannot be written as JSON.
    """
    if any(query.filter is not None for query in queries):
        filters = [b"" if query.filter is None else json_bytes("FILTER", query.filter) for query in queries]
        yield byte_rows("FILTER", filters)
    if any(query.min_seq is not None for query in queries):
        yield integer_rows("MIN_SEQ", [query.min_seq or 0 for query in queries], "INT64")


def embed_text(texts: Sequence[Text]) -> Call[Vectors]:
    """Text vectors, ``(rows, d_text)``, L2-normalised."""
    return Call("embed_text", (byte_rows("TEXT", [utf8(text) for text in texts]),), _vectors("TEXT_VECTOR"))


def embed_image(images: Sequence[Image]) -> Call[Vectors]:
    """Image vectors, ``(rows, d_image)``, L2-normalised.

    Raises:
        BadInput: A file cannot be read.
    """
    pictures = byte_rows("IMAGE", [image_bytes(image) for image in images])
    return Call("embed_image", (pictures,), _vectors("IMAGE_VECTOR"))


def embed_product(products: Sequence[tuple[Product, Image | None]]) -> Call[Vectors]:
    """Rows of the index, ``(rows, d_text + d_image)``; a product without an image has a zero half.

    Raises:
        BadInput: A product cannot be written as JSON, or its file cannot be read.
    """
    return Call("embed_product", product_rows(products), _vectors("ROW"))


def read_answers(outputs: Outputs) -> list[Answer]:
    """The answers of one search request, one a row.

    Raises:
        ServerFault: An output is missing, or a product is not the JSON object that it should be.
    """
    return [Answer(release, seq, tuple(results)) for release, seq, results in read_rows(outputs)]


def read_rows(
    outputs: Outputs, ids: str = "PRODUCT_ID", products: str = "PRODUCT"
) -> Iterator[tuple[int, int, list[Result]]]:
    """The release, the sequence number and the products of each row of an answer.

    Args:
        outputs: The tensors.
        ids: Name of the one with the products' ids.
        products: Name of the one with their documents.

    Raises:
        ServerFault: An output is missing, or a product is not the JSON object that it should be.
    """
    names = (ids, "SCORE", products, "COUNT", "RELEASE", "SEQ")
    found_ids, scores, documents, counts, releases, seqs = (output(outputs, name) for name in names)
    for row, count in enumerate(counts[:, 0]):  # beyond the count a row is padding
        found = map(read_result, found_ids[row, :count], scores[row, :count], documents[row, :count])
        yield int(releases[row, 0]), int(seqs[row, 0]), list(found)


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


def _vectors(name: str) -> Callable[[Outputs], Vectors]:
    return lambda outputs: output(outputs, name)
