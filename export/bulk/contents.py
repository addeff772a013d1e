"""What a row was made of, as a hash: two products of one content have one row in a space."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from catalogue import UnreadablePicture
from ensemble.product import product_text
from ensemble.settings import ProductSettings
from export.bulk.items import Item, PictureFolder

NONE = ""
# A picture that is mended makes another content.
UNREADABLE = "unreadable"
# Pictures are most often far away, on a disk or in a bucket.
_READERS = 16


def content_of(text: str, picture: str) -> str:
    """SHA-256, in hex, of a product's text and of its picture's hash.

    Args:
        text: As ``product_text`` makes it.
        picture: SHA-256 of its encoded bytes in hex, ``NONE`` or ``UNREADABLE``.
    """
    return hashlib.sha256(json.dumps([text, picture]).encode()).hexdigest()


def digest_of(picture: bytes) -> str:
    """SHA-256 of encoded bytes, in hex; ``NONE`` where there are none."""
    return hashlib.sha256(picture).hexdigest() if picture else NONE


def contents_of(items: Sequence[Item], settings: ProductSettings, pictures: PictureFolder) -> list[str]:
    """The content of each product, read now.

    Args:
        items: The products.
        settings: Which fields make a text.
        pictures: Where pictures are that did not come with their product; those are known by their hash.
    """
    with ThreadPoolExecutor(_READERS) as readers:
        digests = list(readers.map(lambda item: _digest(item, pictures), items))
    texts = [product_text(item.product.as_dict(), settings) for item in items]
    return [content_of(text, digest) for text, digest in zip(texts, digests, strict=True)]


def _digest(item: Item, pictures: PictureFolder) -> str:
    if item.uploaded is not None:
        return item.uploaded
    if not item.product.image:
        return NONE
    try:
        return digest_of(pictures.read(item.product.image))
    except UnreadablePicture:
        return UNREADABLE
