"""Slots on disk: one ``.npy`` an array, mapped into memory on load, and ``index.json`` with the hash of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256
from ensemble.index.columns import Column
from ensemble.index.slots import Slots

FORMAT = 1
HEADER = "index.json"


def save(slots: Slots, folder: Path) -> dict[str, str]:
    """Write a snapshot; ``index.json`` comes last, so that a folder with one is whole.

    Returns:
        SHA-256 of each file written, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, NDArray[Any]] = {
        "vectors": slots.vectors,
        "valid": slots.valid,
        "documents": slots.documents,
        "offsets": slots.offsets,
    }
    columns = []
    for number, (name, column) in enumerate(slots.columns.items()):
        arrays[f"column_{number}"] = column.values
        columns.append({"name": name, "kind": column.kind, "words": column.words})
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    hashes = {f"{name}.npy": sha256(folder / f"{name}.npy") for name in arrays}
    header = {"format": FORMAT, "space_id": slots.space_id, "seq": slots.seq, "slots": len(slots), "columns": columns}
    (folder / HEADER).write_text(json.dumps(header | {"files": hashes}, ensure_ascii=False) + "\n", "utf-8")
    return hashes | {HEADER: sha256(folder / HEADER)}


def load(folder: Path, *, space_id: str | None = None) -> Slots:
    """Map a snapshot into memory after checking every file's hash.

    Args:
        folder: Where ``save`` wrote it.
        space_id: The space that queries will be of.

    Raises:
        DamagedRelease: A file is missing or altered, or the snapshot is of another space or format; names the file.
    """
    header = _header(folder)
    if space_id is not None and header["space_id"] != space_id:
        raise DamagedRelease(
            f"{folder}: an index of space {header['space_id'][:12]}, but queries are of space {space_id[:12]}; "
            "make a new release, which embeds the catalogue with the towers that serve"
        )
    for name, expected in header["files"].items():
        if not (folder / name).is_file():
            raise DamagedRelease(f"{folder / name}: missing")
        if sha256(folder / name) != expected:
            raise DamagedRelease(f"{folder / name}: altered since it was written; restore it or make a new release")
    columns = {
        entry["name"]: Column(entry["kind"], _array(folder, f"column_{number}"), tuple(entry["words"]))
        for number, entry in enumerate(header["columns"])
    }
    return Slots(
        vectors=_array(folder, "vectors"),
        valid=_array(folder, "valid"),
        columns=columns,
        documents=_array(folder, "documents"),
        offsets=_array(folder, "offsets"),
        space_id=header["space_id"],
        seq=header["seq"],
    )


def _header(folder: Path) -> dict[str, Any]:
    try:
        header: dict[str, Any] = json.loads((folder / HEADER).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedRelease(f"{folder / HEADER}: cannot be read: {error}") from error
    if header.get("format") != FORMAT:
        raise DamagedRelease(f"{folder / HEADER}: format {header.get('format')!r}; this version reads {FORMAT}")
    return header


def _array(folder: Path, name: str) -> NDArray[Any]:
    # A plain view of the map: every slice of a `memmap` costs microseconds of Python.
    array: NDArray[Any] = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return array
