"""Many strings by number, found by hash, without a Python object for each that came with a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice

import numpy as np
from numpy.typing import NDArray

ABSENT = -1
AT_ONCE = 8_192


class Names:
    """Product ids by slot, or the words of a column by code.

    Those of a snapshot are bytes in one array with their hashes in another; those added later are Python strings.

    Args:
        text: All names of the snapshot as UTF-8, one after another.
        places: ``(names, 2)`` uint64: where each ends in ``text``, and its hash.
    """

    def __init__(self, text: NDArray[np.uint8] | None = None, places: NDArray[np.uint64] | None = None) -> None:
        self._text = np.empty(0, np.uint8) if text is None else text
        places = np.empty((0, 2), np.uint64) if places is None else places
        self._ends = places[:, 0].astype(np.int64)
        order = np.argsort(places[:, 1], kind="stable")
        self._order, self._hashes = order.astype(np.int32), places[order, 1]
        self._added: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ends) + len(self._added)

    def __getitem__(self, number: int) -> str:
        if number >= len(self._ends):
            return self._added[number - len(self._ends)]
        return self._bytes(number).decode("utf-8", "surrogatepass")

    def since(self, first: int) -> Iterator[str]:
        """The names from number ``first`` on."""
        start = int(self._ends[first - 1]) if 0 < first <= len(self._ends) else 0
        text = self._text[start:].tobytes() if first < len(self._ends) else b""
        begin = 0
        for end in (self._ends[first:] - start).tolist():
            yield text[begin:end].decode("utf-8", "surrogatepass")
            begin = end
        yield from self._added[max(0, first - len(self._ends)) :]

    def find(self, names: Sequence[str], *, remember: bool = False) -> NDArray[np.int64]:
        """``(names,)``: the number of each, the last one where a name was added again; -1 where there is none.

        Args:
            names: What to look for.
            remember: Keep those found in a dictionary: for words, which are few and asked for often.
        """
        found = np.fromiter((self._numbers.get(name, ABSENT) for name in names), np.int64, len(names))
        unknown = np.flatnonzero(found == ABSENT) if len(self._ends) else ()
        if len(unknown):
            found[unknown] = self._in_snapshot([_encoded(names[place]) for place in unknown])
        if remember:
            self._numbers.update((names[place], int(found[place])) for place in unknown if found[place] != ABSENT)
        return found

    def add(self, names: Iterable[str]) -> None:
        """Append names, each with the next number."""
        for name in names:
            self._numbers[name] = len(self)
            self._added.append(name)

    def _bytes(self, number: int) -> bytes:
        start = self._ends[number - 1] if number else 0
        return self._text[start : self._ends[number]].tobytes()

    def _in_snapshot(self, names: Sequence[bytes]) -> list[int]:
        wanted = hashes(names)
        first = np.searchsorted(self._hashes, wanted, "left")
        last = np.searchsorted(self._hashes, wanted, "right")
        return [self._among(name, *bounds) for name, *bounds in zip(names, first.tolist(), last.tolist(), strict=True)]

    def _among(self, name: bytes, first: int, last: int) -> int:
        """Which of the names of one hash it is: two may share one, so the bytes decide."""
        candidates = (int(number) for number in self._order[first:last])
        return next((number for number in candidates if self._bytes(number) == name), ABSENT)


def hashes(names: Sequence[bytes]) -> NDArray[np.uint64]:
    """A 64-bit hash of each name, the same in every process."""
    digests = b"".join(blake2b(name, digest_size=8).digest() for name in names)
    return np.frombuffer(digests, np.dtype("<u8"))


def packed(names: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint64]]:
    """Names as the two arrays that ``Names`` takes."""
    texts, ends, hashed, size = [b""], [np.empty(0, np.uint64)], [np.empty(0, np.uint64)], 0
    remaining = iter(names)
    while part := [_encoded(name) for name in islice(remaining, AT_ONCE)]:
        lengths = np.fromiter(map(len, part), np.uint64, len(part))
        texts.append(b"".join(part))
        ends.append(np.cumsum(lengths, dtype=np.uint64) + np.uint64(size))
        hashed.append(hashes(part))
        size += len(texts[-1])
    places = np.stack([np.concatenate(ends), np.concatenate(hashed)], axis=1)
    return np.frombuffer(b"".join(texts), np.uint8), places


def _encoded(name: str) -> bytes:
    # A filter may ask for half of a surrogate pair: no product has it, and that is no error.
    return name.encode("utf-8", "surrogatepass")
