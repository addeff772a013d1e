"""Files out of the database and back, with nothing lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalogue import Product, read
from catalogue.database import Database, Entry, files
from catalogue.database.files import came_with, export
from catalogue.errors import BadEntry, BadRows, UnwritableFile
from tests.catalogue.making import product, put

ENDINGS = [".jsonl", ".parquet"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
NUMBER = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
PRODUCTS = st.builds(
    Product,
    id=TEXT.map(str.strip).filter(bool),
    title=TEXT.filter(str.strip),
    category=TEXT,
    price=st.one_of(st.none(), st.floats(0, 1e300)),
    available=st.booleans(),
    image=st.one_of(st.none(), TEXT),
    attributes=st.dictionaries(st.sampled_from(["color", "a b", "ü", ""]), st.one_of(TEXT, NUMBER, st.booleans())),
)
ENTRIES = st.lists(st.builds(Entry, PRODUCTS, st.one_of(st.none(), st.binary(max_size=20))), min_size=1, max_size=8)


def ignored(_count: int) -> None:
    pass


def written(database: Database, path: Path) -> Path:
    with database.reading() as reading:
        export(reading, path, ignored)
    return path


def contents(database: Database) -> list[tuple[dict[str, Any], bytes | None]]:
    """Every product with its picture's bytes; 1 and 1.0 and True are told apart."""
    with database.reading() as reading:
        stored = list(reading.products())
    return [(json.loads(json.dumps(one.product.as_dict())), _bytes(database, one)) for one in stored]


def _bytes(database: Database, stored: Any) -> bytes | None:
    return None if stored.picture is None else database.picture(stored, 1_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(1_000_000))


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES)
def test_an_export_loads_to_the_same_catalogue(folder: Path, ending: str, entries: list[Entry], numbers: Any) -> None:
    place = folder / f"{ending[1:]}-{next(numbers)}-{len(list(folder.iterdir()))}"
    place.mkdir()
    with Database.open(f"sqlite:///{place / 'one.sqlite'}", create=True) as one:
        results = one.upsert(entries)
        assert all(isinstance(result, int | BadEntry) for result in results)
        path = written(one, place / f"out{ending}")
        if one.head() == 0:
            return
        before, kinds = contents(one), one.kinds()
    with Database.open(f"sqlite:///{place / 'two.sqlite'}", create=True) as two:
        loaded = two.load(read(str(path)), str(path), came=came_with(str(path)))
        assert loaded.upserted == len(before)
        assert repr(contents(two)) == repr(before)
        assert set(two.kinds()) <= set(kinds)
        assert two.load(read(str(path)), str(path), replace=True, came=came_with(str(path))).unchanged == len(before)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_export_is_of_one_state_on_both_databases(database: Database, tmp_path: Path, ending: str) -> None:
    put(database, Entry(product("b", image="b.png"), b"bytes"), Entry(product("a", price=3.0, attributes={"n": 1})))
    path = written(database, tmp_path / f"out{ending}")
    assert [one.id for one in read(str(path)).products] == ["b", "a"]
    assert list(came_with(str(path))) == [(1, b"bytes")]


def test_an_export_that_breaks_off_leaves_what_was_there(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, Entry(product("a")))
    path = tmp_path / "out.jsonl"
    path.write_text("before")

    def fail(_count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), database.reading() as reading:
        export(reading, path, fail)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableFile, match=r"out\.jsonl: cannot be written: No space left on device"):
        written(database, path)
    assert path.read_text() == "before"
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize(
    ("name", "said"),
    [("out.csv", r"unknown format; allowed: \.jsonl, \.parquet"), ("missing/out.jsonl", "No such file or directory")],
)
def test_a_file_that_cannot_be_written_is_told(database: Database, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UnwritableFile, match=said):
        written(database, tmp_path / name)


def test_a_picture_that_is_not_base64_is_told_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(
        '{"id": "a", "title": "x", "picture_bytes": null}\n{"id": "b", "title": "x", "picture_bytes": "?"}\n'
    )
    with pytest.raises(BadRows, match=r"row 2: picture_bytes = '\?'; allowed: base64"):
        list(came_with(str(path)))
    path.write_text('{"id": "a", "title": "x"}\n')
    assert list(came_with(str(path))) == []


def test_pictures_are_found_where_the_first_row_has_none(tmp_path: Path) -> None:
    jsonl, parquet = tmp_path / "c.jsonl", tmp_path / "c.parquet"
    jsonl.write_text('{"id": "a", "title": "x"}\n{\n{"id": "b", "title": "x", "picture_bytes": "eA=="}\n')
    assert list(came_with(str(jsonl))) == [(3, b"x")]
    rows = [{"id": str(number), "picture_bytes": b"x" if number == 400 else None} for number in range(500)]
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    assert list(came_with(str(parquet))) == [(401, b"x")]
    pq.write_table(pa.table({"id": ["a"]}), parquet)
    assert list(came_with(str(parquet))) == []


def test_row_groups_of_an_export_are_closed_by_their_bytes(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCH_BYTES", 100)
    put(database, *(Entry(product(str(number)), bytes(80)) for number in range(5)))
    path = written(database, tmp_path / "out.parquet")
    assert pq.ParquetFile(path).num_row_groups >= 3
    assert [one.id for one in read(str(path)).products] == ["0", "1", "2", "3", "4"]
