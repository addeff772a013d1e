"""Rows of JSONL, CSV and Parquet files, one at a time, from wherever fsspec reaches.

A row is a number and either its cells by column, or the ``BadRow`` that says why it has none. CSV cells are text;
bytes that are not UTF-8 come through as lone surrogates and are refused with the field they stand in.
"""

from __future__ import annotations

import csv
import json
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import fsspec

from catalogue.errors import BadRow, UnreadableCatalogue, shown

Cells = Mapping[str, Any]
Row = tuple[int, Cells | BadRow]

PARQUET_BATCH_ROWS = 256  # few: a row may hold a picture
PARQUET_BUFFER_BYTES = 1024 * 1024
MAX_CSV_CELL_CHARS = 1_000_000
TEXT_MODE = {"encoding": "utf-8-sig", "errors": "surrogateescape", "newline": ""}
COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")


def rows(location: str, only: str | None = None) -> Iterator[Row]:
    """Rows of a catalogue; the format follows from the name.

    Args:
        location: A path, or a URL that fsspec knows (``s3://`` with s3fs installed); ``.gz`` and the like are unpacked.
        only: The one column that is needed. Of Parquet nothing else is read, and no row where there is no such column.

    Raises:
        UnreadableCatalogue: Missing, of an unknown format, or damaged.
    """
    ending, read = _reader(location)
    try:
        if ending == ".parquet":
            with fsspec.open(location, "rb") as file:
                yield from parquet_rows(file, only)
        else:
            with fsspec.open(location, "rt", compression="infer", **TEXT_MODE) as file:
                yield from read(file)
    except FileNotFoundError:
        raise UnreadableCatalogue(f"{location}: no such file") from None
    except (OSError, ValueError, EOFError, ImportError, zlib.error, lzma.LZMAError) as error:
        raise UnreadableCatalogue(f"{location}: cannot be read as {ending}: {error}") from error


def jsonl_rows(file: IO[str]) -> Iterator[Row]:
    """One JSON object a line; empty lines are passed over."""
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            cells = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, BadRow(number, "row", shown(line.strip()), f"one JSON object a line ({error})")
            continue
        if isinstance(cells, dict):
            yield number, cells
        else:
            yield number, BadRow(number, "row", shown(cells), "one JSON object a line")


def csv_rows(file: IO[str], delimiter: str = ",") -> Iterator[Row]:
    """Records under a header; a record of another length is bad.

    Raises:
        ValueError: No header, or a column twice.
    """
    csv.field_size_limit(MAX_CSV_CELL_CHARS)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    header = next(reader, [])
    if not header or len(set(header)) != len(header):
        raise ValueError(f"the header must name every column once, got {shown(header)}")
    number = 1
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, BadRow(number, "row", shown(str(error)), "a well-formed CSV record")
            continue
        if len(record) == len(header):
            yield number, dict(zip(header, record, strict=True))
        elif record:
            yield number, BadRow(number, "row", f"{len(record)} cells", f"{len(header)} cells, as in the header")


def tsv_rows(file: IO[str]) -> Iterator[Row]:
    """As ``csv_rows``, parted by tabs."""
    return csv_rows(file, delimiter="\t")


def parquet_rows(file: IO[bytes], only: str | None = None) -> Iterator[Row]:
    """Records of a Parquet file, read in batches; see ``rows``."""
    import pyarrow.parquet as pq

    opened = pq.ParquetFile(file, buffer_size=PARQUET_BUFFER_BYTES)
    if only is not None and only not in opened.schema_arrow.names:
        return
    number = 0
    for batch in opened.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=None if only is None else [only]):
        for cells in batch.to_pylist():
            number += 1
            yield number, cells


READERS: dict[str, Callable[[Any], Iterator[Row]]] = {
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".csv": csv_rows,
    ".tsv": tsv_rows,
    ".parquet": parquet_rows,
}


def _reader(location: str) -> tuple[str, Callable[[Any], Iterator[Row]]]:
    name = location.lower()
    for packed in COMPRESSIONS:
        name = name.removesuffix(packed)
    for ending, read in READERS.items():
        if name.endswith(ending):
            return ending, read
    raise UnreadableCatalogue(f"{location}: unknown format; allowed: {', '.join(READERS)}")
