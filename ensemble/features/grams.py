"""Titles as hashed pieces: whole words and the runs of characters within them.

Words and character n-grams share one table of fixed size, as in fastText (Bojanowski et al., 2017, arXiv:1607.04606),
so that a word that training never saw still has a vector, made of pieces that it saw.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"\w+")
# What is remembered is bounded by both: some 160 MB of the longest words.
_REMEMBERED = 1 << 14
MOST_CHARACTERS = 64


def words(title: str) -> list[str]:
    """Words of a title, compared without case and in one Unicode form (NFKC); of long ones the first characters."""
    found = _WORD.findall(unicodedata.normalize("NFKC", title).casefold())
    return [word[:MOST_CHARACTERS] for word in found]


@lru_cache(_REMEMBERED)
def pieces(word: str, sizes: tuple[int, ...]) -> tuple[str, ...]:
    """The word itself, then its character n-grams; ``<`` and ``>`` mark where it begins and ends.

    >>> pieces("mug", (3,))
    ('mug', '<mu', 'mug', 'ug>')
    """
    marked = f"<{word}>"
    runs = (marked[at : at + size] for size in sizes for at in range(len(marked) - size + 1))
    return (word, *runs)


def bucket(piece: str, buckets: int) -> int:
    """The row of a piece, 1 to ``buckets``: CRC-32, since Python's own hash differs from process to process."""
    return zlib.crc32(piece.encode("utf-8", "surrogatepass")) % buckets + 1


def gram_ids(title: str, buckets: int, sizes: tuple[int, ...], most: int) -> list[int]:
    """Ids of the first ``most`` pieces of a title; all its words come before the runs within them."""
    found: list[int] = []
    for piece in _in_order(words(title)[:most], sizes):
        if len(found) == most:
            break
        found.append(bucket(piece, buckets))
    return found


def _in_order(title: list[str], sizes: tuple[int, ...]) -> Iterator[str]:
    split = [pieces(word, sizes) for word in title]
    yield from (first for first, *_ in split)
    for _, *runs in split:
        yield from runs
