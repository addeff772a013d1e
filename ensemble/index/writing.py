"""Writes the valid slots of an index as the arrays of a snapshot, a part at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import MISSING_CODE, Numbers, Stored
from ensemble.index.files import Print, write_array
from ensemble.index.names import packed
from ensemble.index.slots import Slots

VECTORS = "vectors.npy"
DOCUMENTS = "documents.npy"
DOCUMENT_ENDS = "document_ends.npy"
IDS = "ids"
UNEMBEDDED = "unembedded"
SLOTS_AT_ONCE = 4_096


def write_slots(slots: Slots, folder: Path) -> dict[str, Print]:
    """Write all arrays; returns the print of each file."""
    live = np.flatnonzero(slots.valid)
    prints = {VECTORS: _vectors(slots, live, folder / VECTORS), **_documents(slots, live, folder)}
    prints |= _names(folder, IDS, (slots.ids_by_slot[slot] for slot in live.tolist()))
    prints |= _names(folder, UNEMBEDDED, sorted(slots.unembedded))
    for number, column in enumerate(slots.stored.values()):
        prints |= _column(folder, column_name(number), column, live)
    return prints


def column_name(number: int) -> str:
    """How the files of a column begin."""
    return f"column_{number}"


def name_files(name: str) -> tuple[str, str]:
    """The files that many strings lie in: their bytes, and where each ends with its hash."""
    return f"{name}_text.npy", f"{name}_places.npy"


def _vectors(slots: Slots, live: Numbers, path: Path) -> Print:
    return write_array(path, np.float16, (len(live), slots.row_dim), (slots.rows(part) for part in _parts(live)))


def _documents(slots: Slots, live: Numbers, folder: Path) -> dict[str, Print]:
    ends = np.cumsum(slots.documents.lengths(live), dtype=np.int64)
    texts = (b"".join(slots.document(slot) for slot in part.tolist()) for part in _parts(live))
    size = int(ends[-1]) if len(ends) else 0
    parts = (np.frombuffer(text, np.uint8) for text in texts)
    return {
        DOCUMENTS: write_array(folder / DOCUMENTS, np.uint8, (size,), parts),
        DOCUMENT_ENDS: _whole(folder / DOCUMENT_ENDS, ends),
    }


def _column(folder: Path, name: str, column: Stored, live: Numbers) -> dict[str, Print]:
    values, prints = column.values[live], {}
    if column.kind == "word":  # words that no valid slot has any more are left out
        used = np.unique(values[values != MISSING_CODE])
        renumbered = np.full(len(column.words) + 1, MISSING_CODE, np.int32)  # MISSING_CODE wraps around to the last
        renumbered[used] = np.arange(len(used))
        values = renumbered[values]
        prints = _names(folder, name, (column.words[code] for code in used.tolist()))
    return {f"{name}.npy": _whole(folder / f"{name}.npy", values), **prints}


def _names(folder: Path, name: str, names: Iterable[str]) -> dict[str, Print]:
    text, places = name_files(name)
    written, ends = packed(names)
    return {text: _whole(folder / text, written), places: _whole(folder / places, ends)}


def _whole(path: Path, array: NDArray[Any]) -> Print:
    return write_array(path, array.dtype, array.shape, [array])


def _parts(live: Numbers) -> Iterator[Numbers]:
    return (live[start : start + SLOTS_AT_ONCE] for start in range(0, len(live), SLOTS_AT_ONCE))
