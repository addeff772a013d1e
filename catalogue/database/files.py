"""Catalogue files out of the database, that it can be loaded from again with nothing lost but the vectors.

A picture that came with its product stands in the file itself, as ``picture_bytes``: base64 in JSONL, bytes in Parquet.
Pictures that a product names by a path are not copied: their paths go on starting where they did.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from catalogue.database.loading import BATCH_BYTES, Advance
from catalogue.database.pictures import bytes_of
from catalogue.database.reading import Reading
from catalogue.errors import BadRow, BadRows, UnwritableFile, shown
from catalogue.formats import Cells, rows

PICTURE = "picture_bytes"
PARQUET_ROWS = 4_096

Rows = Iterator[dict[str, Any]]


def export(reading: Reading, path: Path, advance: Advance) -> None:
    """Write all products of one state to a file; it is there as a whole or not at all.

    Args:
        reading: The state.
        path: Its ending tells the format.
        advance: Told how many products were written.

    Raises:
        UnwritableFile: Of an unknown format, or not writable; what stood there is untouched.
    """
    if path.suffix not in _WRITERS:
        raise UnwritableFile(f"{path}: unknown format; allowed: {', '.join(_WRITERS)}")
    with _whole(path) as file:
        _WRITERS[path.suffix](file, _rows(reading, advance))


def came_with(location: str) -> Iterator[tuple[int, bytes]]:
    """The pictures that a file itself holds, by row.

    Raises:
        BadRows: One is not base64.
        UnreadableCatalogue: The file cannot be read.
    """
    for number, cells in rows(location, PICTURE):
        picture = None if isinstance(cells, BadRow) else _picture(location, number, cells)
        if picture:
            yield number, picture


def _rows(reading: Reading, advance: Advance) -> Rows:
    for stored in reading.products():
        picture = None if stored.picture is None else bytes_of(reading.connection, stored.picture)
        yield {**stored.product.as_dict(), PICTURE: picture}
        advance(1)


def _write_jsonl(file: IO[bytes], products: Rows) -> None:
    for product in products:
        picture = product[PICTURE]
        product[PICTURE] = None if picture is None else base64.b64encode(picture).decode()
        file.write(json.dumps(product, ensure_ascii=False).encode() + b"\n")


def _write_parquet(file: IO[bytes], products: Rows) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    text = pa.string()
    schema = pa.schema(
        {
            "id": text,
            "title": text,
            "category": text,
            "price": pa.float64(),
            "available": pa.bool_(),
            "image": text,
            "attributes": text,  # as JSON: one attribute may be a number here and a word there
            PICTURE: pa.binary(),
        }
    )
    with pq.ParquetWriter(file, schema) as writer:
        for batch in _batches(products):
            writer.write_table(pa.Table.from_pylist(batch, schema))


def _batches(products: Rows) -> Iterator[list[dict[str, Any]]]:
    """Rows of Parquet, at least once some, closed by their number and by their bytes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for product in products:
        row = {**product, "attributes": json.dumps(product["attributes"], ensure_ascii=False)}
        batch.append(row)
        size += sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if len(batch) == PARQUET_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    yield batch


_WRITERS: dict[str, Callable[[IO[bytes], Rows], None]] = {".jsonl": _write_jsonl, ".parquet": _write_parquet}


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``path`` when all is written and on the disk."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise UnwritableFile(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _picture(location: str, number: int, cells: Cells) -> bytes | None:
    value = cells.get(PICTURE)
    if value is None or isinstance(value, bytes):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise BadRows(location, [BadRow(number, PICTURE, shown(value), "base64 of an encoded picture")]) from None
