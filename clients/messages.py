"""Searches and embeddings as tensors. Pure, and shared by the four transports.

A `Call` is a request before it is bound to a protocol: the model, its input tensors, and how to read the answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from clients.errors import BadInput, ServerFault
from clients.tensors import (
    Call,
    Outputs,
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
from clients.values import Answer, Image, Product, Query, Result, Text


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
    inputs = [integer_rows("K", [query.k for query in queries])]
    if texts := [utf8(query.text) for query in queries if query.text is not None]:
        inputs.append(byte_rows("TEXT", texts))
    if images := [image_bytes(query.image) for query in queries if query.image is not None]:
        inputs.append(byte_rows("IMAGE", images))
    if any(query.weights is not None for query in queries):
        inputs.append(float_rows("WEIGHTS", [query.weights or (1.0, 1.0) for query in queries]))
    if any(query.filter is not None for query in queries):
        filters = [b"" if query.filter is None else json_bytes("FILTER", query.filter) for query in queries]
        inputs.append(byte_rows("FILTER", filters))
    if any(query.rank is not None for query in queries):
        inputs.append(byte_rows("RANK", [utf8(query.rank or "") for query in queries]))
    if any(query.min_seq is not None for query in queries):
        inputs.append(integer_rows("MIN_SEQ", [query.min_seq or 0 for query in queries], "INT64"))
    return Call(model, tuple(inputs), read_answers)


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
    names = ("PRODUCT_ID", "SCORE", "PRODUCT", "COUNT", "RELEASE", "SEQ")
    ids, scores, products, counts, releases, seqs = (output(outputs, name) for name in names)
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


def _vectors(name: str) -> Callable[[Outputs], Vectors]:
    return lambda outputs: output(outputs, name)
