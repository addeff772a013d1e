"""Writes to the catalogue as tensors, and their answers. Pure.

A write that is answered is durable. All of them give values as they shall be, so any may be sent again.
"""

from __future__ import annotations

from collections.abc import Sequence

from clients.tensors import Call, Outputs, byte_rows, json_bytes, output, product_rows, text_of, utf8
from clients.values import Deleted, Image, Patch, Product, Written


def upsert(products: Sequence[tuple[Product, Image | None]]) -> Call[list[Written]]:
    """Put products into the catalogue, each with its picture or without one; all of them, or none.

    Raises:
        BadInput: A product cannot be written as JSON, or its file cannot be read.
    """
    return Call("upsert_product", product_rows(products), read_written)


def patch(patches: Sequence[Patch]) -> Call[list[Written]]:
    """Change some fields of products; all of them, or none.

    Raises:
        BadInput: A patch cannot be written as JSON.
    """
    texts = [json_bytes("PATCH", each.to_dict()) for each in patches]
    return Call("patch_product", (byte_rows("PATCH", texts),), read_written)


def delete(ids: Sequence[str]) -> Call[list[Deleted]]:
    """Delete products."""
    return Call("delete_product", (byte_rows("PRODUCT_ID", [utf8(each) for each in ids]),), read_deleted)


def read_written(outputs: Outputs) -> list[Written]:
    """The answers to one write, one a row.

    Raises:
        ServerFault: An output is missing.
    """
    ids, seqs = (output(outputs, name)[:, 0] for name in ("PRODUCT_ID", "SEQ"))
    return [Written(text_of("PRODUCT_ID", name), int(seq)) for name, seq in zip(ids, seqs, strict=True)]


def read_deleted(outputs: Outputs) -> list[Deleted]:
    """The answers to one deletion, one a row.

    Raises:
        ServerFault: An output is missing.
    """
    found, seqs = (output(outputs, name)[:, 0] for name in ("FOUND", "SEQ"))
    return [Deleted(bool(was), int(seq)) for was, seq in zip(found, seqs, strict=True)]
