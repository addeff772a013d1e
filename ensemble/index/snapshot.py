"""Slots on disk: one ``.npy`` an array, mapped into memory on load, and ``index.json`` with the hash of each.

A snapshot is compact: it holds the valid slots alone, in their order. ``index.json.sha256`` is the hash of
``index.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256
from ensemble.index import files
from ensemble.index.columns import Kind, Stored
from ensemble.index.documents import Documents
from ensemble.index.engines import write_engine
from ensemble.index.files import Print
from ensemble.index.names import Names
from ensemble.index.slots import Slots
from ensemble.index.writing import (
    DOCUMENT_ENDS,
    DOCUMENTS,
    IDS,
    UNEMBEDDED,
    VECTORS,
    column_name,
    name_files,
    write_slots,
)

FORMAT = 2
HEADER = "index.json"
HEADER_HASH = "index.json.sha256"


def save(slots: Slots, folder: Path) -> dict[str, str]:
    """Write a snapshot; ``index.json`` comes last, so that a folder with one is whole.

    Returns:
        SHA-256 of each file written, by name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HEADER).unlink(missing_ok=True)
    prints = write_slots(slots, folder)
    header: dict[str, Any] = {
        "format": FORMAT,
        "space_id": slots.space_id,
        "catalogue_id": slots.catalogue_id,
        "seq": slots.seq,
        "slots": int(np.count_nonzero(slots.valid)),
        "columns": [{"name": name, "kind": column.kind} for name, column in slots.stored.items()],
    }
    header["engine"], made = write_engine(_opened(folder, header), folder)
    prints |= {name: files.print_of(folder / name) for name in made}
    prints |= write_header(folder, header | {"files": {name: asdict(one) for name, one in prints.items()}})
    return {name: one.sha256 for name, one in prints.items()}


def write_header(folder: Path, header: Mapping[str, Any]) -> dict[str, files.Print]:
    """Write what makes a folder of arrays a snapshot, and its hash; returns the print of each file."""
    content = files.as_json(header)
    prints = {HEADER_HASH: files.write(folder / HEADER_HASH, [f"{files.hash_of(content)}\n".encode()])}
    prints[HEADER] = files.write(folder / HEADER, [content])
    files.sync(folder)
    return prints


def load(folder: Path, *, space_id: str | None = None) -> Slots:
    """Map a snapshot into memory after checking every file's hash.

    Args:
        folder: Where ``save`` wrote it.
        space_id: The space that queries will be of.

    Raises:
        DamagedRelease: A file is missing or altered, or the snapshot is of another space or format; names the file.
    """
    header = header_of(folder)
    if space_id is not None and header["space_id"] != space_id:
        raise DamagedRelease(
            f"{folder}: an index of space {header['space_id'][:12]}, but queries are of space {space_id[:12]}; "
            "make a new release, which embeds the catalogue with the towers that serve"
        )
    files.check(folder, {name: Print(**expected) for name, expected in header["files"].items()})
    return _opened(folder, header)


def header_of(folder: Path) -> dict[str, Any]:
    """What ``index.json`` says.

    Raises:
        DamagedRelease: It is missing, altered or of another format.
    """
    try:
        header: dict[str, Any] = json.loads((folder / HEADER).read_text("utf-8"))
        version = header.get("format")
    except (OSError, ValueError, AttributeError) as error:
        raise DamagedRelease(f"{folder / HEADER}: cannot be read: {error}") from error
    if version != FORMAT:
        raise DamagedRelease(
            f"{folder / HEADER}: format {version!r}; this version reads {FORMAT}, so make a new release"
        )
    try:
        expected = (folder / HEADER_HASH).read_text("ascii").strip()
    except (OSError, ValueError) as error:
        raise DamagedRelease(f"{folder / HEADER_HASH}: cannot be read: {error}") from error
    if sha256(folder / HEADER) != expected:
        raise DamagedRelease(f"{folder / HEADER}: altered since it was written; restore it or make a new release")
    return header


def catalogue_of(folder: Path) -> str | None:
    """The catalogue that a snapshot is of, empty for none; None where that cannot be read."""
    try:
        catalogue_id: str = header_of(folder)["catalogue_id"]
    except DamagedRelease:
        return None
    return catalogue_id


def _opened(folder: Path, header: Mapping[str, Any]) -> Slots:
    stored = {entry["name"]: _column(folder, number, entry["kind"]) for number, entry in enumerate(header["columns"])}
    return Slots(
        space_id=header["space_id"],
        catalogue_id=header["catalogue_id"],
        seq=header["seq"],
        base=files.mapped(folder / VECTORS),
        ids_by_slot=_names(folder, IDS),
        documents=Documents(files.mapped(folder / DOCUMENTS), files.mapped(folder / DOCUMENT_ENDS)),
        stored=stored,
        unembedded=set(_names(folder, UNEMBEDDED).since(0)),
    )


def _column(folder: Path, number: int, kind: Kind) -> Stored:
    words = _names(folder, column_name(number)) if kind == "word" else None
    return Stored(kind, files.mapped(folder / f"{column_name(number)}.npy"), words)


def _names(folder: Path, name: str) -> Names:
    return Names(*(files.mapped(folder / file) for file in name_files(name)))
