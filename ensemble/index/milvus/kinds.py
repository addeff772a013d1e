"""The kinds of all attributes as texts of a length that Milvus can hold: a catalogue may have any number of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b

from ensemble.errors import ChangesRefused
from ensemble.index.columns import Kind
from ensemble.index.milvus.schema import MAX_TEXT_BYTES
from ensemble.index.milvus.tokens import LENGTH


def pages_of(kinds: Mapping[str, Kind]) -> dict[str, str]:
    """Pages by their keys; a key is a hash of its page, so that a page never changes.

    Raises:
        ChangesRefused: The name of an attribute is too long for any page.
    """
    pages = {}
    for part in _parts(kinds):
        text = json.dumps(part, ensure_ascii=False)
        size = len(text.encode())
        if size > MAX_TEXT_BYTES:
            raise ChangesRefused(f"attribute {next(iter(part))[:80]!r}...: a name of {size:,} bytes is too long")
        pages[blake2b(text.encode(), digest_size=LENGTH // 2, person=b"kinds").hexdigest()] = text
    return pages


def _parts(kinds: Mapping[str, Kind]) -> Iterator[dict[str, Kind]]:
    part: dict[str, Kind] = {}
    used = 0
    for name, kind in sorted(kinds.items()):
        size = len(json.dumps({name: kind}, ensure_ascii=False).encode())
        if part and used + size > MAX_TEXT_BYTES:
            yield part
            part, used = {}, 0
        part[name] = kind
        used += size
    if part:
        yield part
