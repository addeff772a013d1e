"""One shard: a Parquet file of rows that says itself what it is of, and whether it is whole.

Columns: ``id`` string; ``content`` string, the hash of what the row was made of (``contents.content_of``); ``row``
fixed-size list of float16. The footer's ``tandem`` is JSON: what the shard is of, which products cannot be embedded
and why, and a hash over all of it. The same shard is the same file, byte by byte, by one version of pyarrow.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from catalogue import BadRow
from export.errors import DamagedShard

FORMAT = 1
_KEY = b"tandem"

Halves = NDArray[np.float16]


@dataclass(frozen=True)
class Stamp:
    """What shards are of.

    Args:
        space_id: The space of the rows.
        catalogue: What the catalogue is known by.
        row_dim: Length of a row.
        format: Version of the files' format.
    """

    space_id: str
    catalogue: str
    row_dim: int
    format: int = FORMAT


@dataclass(frozen=True)
class Refused:
    """A product that cannot be embedded, or a row that is no product.

    Args:
        problem: What is wrong.
        id: The product; empty where the row is none.
        content: What it would have been made of; empty where the row is none.
    """

    problem: BadRow
    id: str = ""
    content: str = ""


@dataclass(frozen=True)
class Shard:
    """A run of a catalogue's products with their rows.

    Args:
        number: Its place among the shards, from 0.
        ids: Its products, in the order of the catalogue.
        contents: What each was made of.
        rows: ``(products, row_dim)`` float16.
        refused: What was left out.
    """

    number: int
    ids: tuple[str, ...]
    contents: tuple[str, ...]
    rows: Halves
    refused: tuple[Refused, ...] = ()

    def made_of(self) -> set[tuple[str, str]]:
        """Every product with what it was made of, whether it could be or not."""
        tried = {(one.id, one.content) for one in self.refused if one.id}
        return tried | set(zip(self.ids, self.contents, strict=True))

    def problems(self) -> set[BadRow]:
        """What is wrong with rows that are no products."""
        return {one.problem for one in self.refused if not one.id}


def write(path: Path, shard: Shard, stamp: Stamp) -> None:
    """Write a shard so that it is there whole or not at all, whatever happens to the machine."""
    told = {**asdict(stamp), "number": shard.number, "refused": [asdict(one) for one in shard.refused]}
    told["sha256"] = _digest(shard, told)
    flat = pa.array(shard.rows.reshape(-1).astype("<f2"), pa.float16())
    columns = {
        "id": pa.array(shard.ids, pa.string()),
        "content": pa.array(shard.contents, pa.string()),
        "row": pa.FixedSizeListArray.from_arrays(flat, stamp.row_dim),
    }
    table = pa.table(columns).replace_schema_metadata({_KEY: json.dumps(told, sort_keys=True)})
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        pq.write_table(table, file, compression="zstd", use_dictionary=False, write_statistics=["id"])
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlast the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def stamp_of(path: Path) -> Stamp:
    """What a shard is of, from its footer alone.

    Raises:
        DamagedShard: It has none.
    """
    return _stamp(_told(_read_footer(path)))


def read(path: Path) -> tuple[Shard, Stamp]:
    """Read a shard and check that it is what was written.

    Raises:
        DamagedShard: It is not.
    """
    try:
        # Not mapped: a file that is cut short beneath a map ends the process.
        table = pq.read_table(path, memory_map=False)
    except (OSError, pa.ArrowException) as error:
        raise DamagedShard(f"{path}: {error}") from error
    told = _told(table.schema.metadata)
    stamp = _stamp(told)
    try:
        shard = _shard(table, told, stamp.row_dim)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedShard(f"{path}: {error!r}") from error
    if told["sha256"] != _digest(shard, told):
        raise DamagedShard(f"{path}: not what was written")
    return shard, stamp


def _shard(table: Any, told: dict[str, Any], dim: int) -> Shard:
    column = table["row"].combine_chunks()
    flat = column.values.to_numpy(zero_copy_only=False) if len(table) else np.zeros(0, np.float16)
    refused = (Refused(BadRow(**one["problem"]), one["id"], one["content"]) for one in told["refused"])
    return Shard(
        told["number"],
        tuple(table["id"].to_pylist()),
        tuple(table["content"].to_pylist()),
        flat.astype(np.float16, copy=False).reshape(len(table), dim),
        tuple(refused),
    )


def _read_footer(path: Path) -> Any:
    try:
        return pq.read_metadata(path).metadata
    except (OSError, pa.ArrowException) as error:
        raise DamagedShard(f"{path}: {error}") from error


def _told(metadata: Any) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(metadata[_KEY])
        told["sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedShard(f"no footer of a shard: {error!r}") from error
    return told


def _stamp(told: dict[str, Any]) -> Stamp:
    try:
        return Stamp(told["space_id"], told["catalogue"], told["row_dim"], told["format"])
    except KeyError as error:
        raise DamagedShard(f"no footer of a shard: {error!r}") from error


def _digest(shard: Shard, told: dict[str, Any]) -> str:
    said = {name: value for name, value in told.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps([said, shard.ids, shard.contents], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(shard.rows, "<f2").data)
    return digest.hexdigest()
