"""Every format gives the same products, and every bad row is told at once."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogue import BadColumns, BadRows, Columns, UnreadableCatalogue, read
from catalogue.errors import MAX_LISTED

ROWS: list[dict[str, Any]] = [
    {"sku": "A1", "name": "Red mug", "path": "Kitchen/Mugs", "price": 4.5, "available": True, "colour": "red"},
    {"sku": "A2", "name": "Blaue Tasse äöü", "path": "Kitchen/Mugs", "price": 12, "available": False, "colour": "blue"},
    {"sku": "A3", "name": "Lamp, tall", "path": "Home > Lamps", "price": None, "available": True, "colour": None},
]
COLUMNS = Columns.from_table(
    {"id": "sku", "title": "name", "category": "path", "attributes": {"color": "colour"}}, source="test"
)
EXPECTED: list[dict[str, Any]] = [
    {"id": "A1", "title": "Red mug", "category": "Kitchen/Mugs", "price": 4.5, "attributes": {"color": "red"}},
    {
        "id": "A2",
        "title": "Blaue Tasse äöü",
        "category": "Kitchen/Mugs",
        "price": 12.0,
        "attributes": {"color": "blue"},
    },
    {"id": "A3", "title": "Lamp, tall", "category": "Home/Lamps", "price": None, "attributes": {}},
]


def write_jsonl(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_tsv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), path)
    return path


def write_packed(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return path


FORMATS: list[tuple[str, Callable[[Path, Sequence[Mapping[str, Any]]], Path]]] = [
    ("c.jsonl", write_jsonl),
    ("c.csv", write_csv),
    ("c.tsv", write_tsv),
    ("c.parquet", write_parquet),
    ("c.jsonl.gz", write_packed),
]


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_every_format_gives_the_same_products(
    tmp_path: Path, name: str, write: Callable[[Path, Sequence[Mapping[str, Any]]], Path]
) -> None:
    catalogue = read(str(write(tmp_path / name, ROWS)), COLUMNS)
    found = [product.as_dict() for product in catalogue.products]
    assert [{key: product[key] for key in EXPECTED[0]} for product in found] == EXPECTED
    assert [product["available"] for product in found] == [True, False, True]
    assert catalogue.skipped == ()


def test_default_columns_are_the_fields_themselves(tmp_path: Path) -> None:
    row = {"id": 7, "title": " Chair ", "category": ["Home", "Chairs"], "attributes": {"legs": 4, "new": True}}
    (product,) = read(str(write_jsonl(tmp_path / "c.jsonl", [row]))).products
    assert product.as_dict() == {
        "id": "7",
        "title": "Chair",
        "category": "Home/Chairs",
        "price": None,
        "available": True,
        "image": None,
        "attributes": {"legs": 4, "new": True},
    }


def test_attributes_of_a_jsonl_file_are_stored_as_a_caller_would_send_them(tmp_path: Path) -> None:
    attributes = '{"legs": 4, "height": 4.0, "new": true, "mixed": "4"}'
    (tmp_path / "c.jsonl").write_text(f'{{"id": "1", "title": "Chair", "attributes": {attributes}}}')
    (product,) = read(str(tmp_path / "c.jsonl")).products
    assert json.dumps(product.as_dict()["attributes"]) == attributes


def test_attributes_of_a_csv_file_may_be_json_and_may_be_typed(tmp_path: Path) -> None:
    rows = [{"id": "1", "title": "Mug", "attributes": '{"color": "red", "ml": 300}', "weight": "0.25", "gift": "yes"}]
    table = {
        "attributes": {"weight": {"column": "weight", "type": "number"}, "gift": {"column": "gift", "type": "flag"}}
    }
    columns = Columns.from_table(table, source="test")
    (product,) = read(str(write_csv(tmp_path / "c.csv", rows)), columns).products
    assert dict(product.attributes) == {"color": "red", "ml": 300.0, "weight": 0.25, "gift": True}


def test_a_parquet_map_column_becomes_attributes(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.string())
    table = pa.table({"id": ["1"], "title": ["Mug"], "attributes": pa.array([[("color", "red")]], kind)})
    pq.write_table(table, tmp_path / "c.parquet")
    (product,) = read(str(tmp_path / "c.parquet")).products
    assert dict(product.attributes) == {"color": "red"}


def test_a_catalogue_may_come_from_any_file_system_of_fsspec() -> None:
    with fsspec.open("memory://shop/c.jsonl", "w") as file:
        file.write('{"id": "1", "title": "Mug"}\n')
    assert [product.id for product in read("memory://shop/c.jsonl").products] == ["1"]


BAD = [
    '{"id": "1", "title": "Good"}',
    '{"id": "2", "title": "   ", "price": "cheap"}',
    "not json",
    "[1, 2]",
    '{"id": "1", "title": "Again"}',
    '{"title": "No id", "available": "maybe"}',
    '{"id": "4", "title": "Nan", "price": -1, "category": 5}',
    '{"id": "5", "title": "List", "attributes": {"sizes": [1, 2], "price": 3}}',
    '{"id": "6", "title": "Alone \\ud800"}',
    '{"id": true, "title": "Flag as id"}',
    '{"id": "7", "title": "Alone in a name", "attributes": {"bad\\ud800": 1}}',
]


def test_all_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text("\n".join(BAD) + "\n", "utf-8")
    with pytest.raises(BadRows) as caught:
        read(str(path))
    told = [(problem.row, problem.field) for problem in caught.value.problems]
    assert told == [
        (2, "title"),
        (2, "price"),
        (3, "row"),
        (4, "row"),
        (5, "id"),
        (6, "id"),
        (6, "available"),
        (7, "category"),
        (7, "price"),
        (8, "attributes.sizes"),
        (8, "attributes.price"),
        (9, "title"),
        (10, "id"),
        (11, "attributes"),
    ]
    assert "10 bad row(s)" in str(caught.value)
    assert "row 2: price = 'cheap'; allowed: a number" in str(caught.value)
    assert "row 5: id = '1'; allowed: an id that no other row has; row 1 has it" in str(caught.value)
    assert r"row 11: attributes = 'bad\ud800'; allowed: a name of valid UTF-8" in str(caught.value)
    assert str(caught.value).encode("utf-8")


def test_bad_rows_can_be_skipped_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text("\n".join(BAD) + "\n", "utf-8")
    catalogue = read(str(path), skip_bad_rows=True)
    assert [product.id for product in catalogue.products] == ["1"]
    assert catalogue.rows == (1,)
    assert catalogue.skipped_rows == 10


def test_a_long_list_of_bad_rows_is_cut_and_says_so(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "c.jsonl", [{"id": str(number)} for number in range(MAX_LISTED + 7)])
    with pytest.raises(BadRows, match=r"\.\.\. and 7 more") as caught:
        read(str(path))
    assert len(caught.value.problems) == MAX_LISTED + 7


def test_csv_rows_count_as_an_editor_does_and_must_be_as_long_as_the_header(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_bytes(b"id,title\n1,Mug\n2\n3,Lamp,extra\n4,B\xe4r\n")
    with pytest.raises(BadRows) as caught:
        read(str(path))
    told = [(problem.row, problem.field, problem.allowed) for problem in caught.value.problems]
    assert told == [
        (3, "row", "2 cells, as in the header"),
        (4, "row", "2 cells, as in the header"),
        (5, "title", "valid UTF-8"),
    ]


@pytest.mark.parametrize("name", ["c.xlsx", "c", "c.json"])
def test_an_unknown_format_is_refused_with_those_that_are_known(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(UnreadableCatalogue, match=r"unknown format; allowed: \.jsonl"):
        read(str(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.jsonl", None, "no such file"),
        ("c.parquet", b"PAR1 not really", "cannot be read as .parquet"),
        ("c.jsonl.gz", b"not packed", "cannot be read as .jsonl"),
        ("c.jsonl.gz", gzip.compress(bytes(1_000), mtime=0)[:10] + b"\xff" * 50, "cannot be read as .jsonl"),
        ("c.jsonl.xz", lzma.compress(bytes(1_000))[:24] + b"\xff" * 50, "cannot be read as .jsonl"),
        ("c.csv", b"id,id\n1,2\n", "every column once"),
        ("c.csv", b"", "every column once"),
        ("c.jsonl", b"", "holds no product"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableCatalogue, match=said) as caught:
        read(str(tmp_path / name))
    assert name in str(caught.value)


def test_a_mapped_column_that_no_row_has_is_an_error_of_the_mapping(tmp_path: Path) -> None:
    columns = Columns.from_table({"title": "nmae", "attributes": {"color": "colour"}}, source="test")
    path = write_jsonl(tmp_path / "c.jsonl", [{"id": "1", "name": "Mug"}])
    with pytest.raises(BadColumns) as caught:
        read(str(path), columns)
    assert "columns.title = 'nmae'; no row has this column" in str(caught.value)
    assert "columns.attributes.color = 'colour'" in str(caught.value)
