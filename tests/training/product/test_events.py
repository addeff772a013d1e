"""Events from tables and files of every kind, and what is wrong with those that cannot be read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from training.errors import TrainingInputError
from training.product.events import Events

MOMENT = int(datetime(2026, 9, 1, 12, 30, tzinfo=UTC).timestamp())
LINES = [
    {"basket": "1", "product": "007", "time": "2026-09-01T12:30:00", "kind": "purchase", "user": "u"},
    {"basket": "1", "product": "a", "time": "2026-09-01 12:30:01", "kind": "view", "user": "u"},
    {"basket": "2", "product": "a", "time": "2026-09-01T12:30:02", "kind": "purchase", "user": ""},
]


def _table(**columns: Any) -> pa.Table:
    return pa.table({"basket": ["1", "1"], "product": ["a", "b"]} | columns)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_files(tmp_path: Path, suffix: str) -> None:
    path, table = tmp_path / f"events{suffix}", pa.Table.from_pylist(LINES)
    if suffix == ".parquet":
        parquet.write_table(table, path)
    elif suffix == ".csv":
        csv.write_csv(table, path)
    else:
        path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    events = Events.read(path)
    assert events.products == ("007", "a")
    assert events.product.tolist() == [0, 1, 1]
    assert events.basket.tolist() == [0, 0, 1]
    assert events.viewed.tolist() == [False, True, False]
    assert events.time is not None
    assert events.time.tolist() == [MOMENT, MOMENT + 1, MOMENT + 2]
    assert len(events.before(MOMENT + 2)) == 2
    assert events.before(MOMENT + 2).products == events.products


def test_a_product_is_in_a_basket_once_for_each_kind() -> None:
    table = pa.table(
        {
            "basket": [1, 1, 1, 2],
            "product": [5, 5, 5, 5],
            "kind": ["view", None, "purchase", "view"],
            "time": [9, 8, 7, 6],
        }
    )
    events = Events.of(table)
    assert events.viewed.tolist() == [True, False, True]
    assert events.time is not None
    assert events.time.tolist() == [9, 8, 6]


def test_columns_may_have_other_names() -> None:
    table = pa.table({"InvoiceNo": ["1"], "StockCode": ["x"], "when": pa.array([0], pa.timestamp("us"))})
    events = Events.of(table, {"basket": "InvoiceNo", "product": "StockCode", "time": "when"})
    assert events.products == ("x",)
    assert events.time is not None
    assert events.time.tolist() == [0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pa.table({"product": ["a"]}), r"no column 'basket' for 'basket'; the columns are \['product'\]"),
        (_table(product=["a", None]), r"'product' is null in 1 row"),
        (_table(product=[["a"], ["b"]]), r"'product' is of type list<.*; names or numbers"),
        (_table(kind=["view", "click"]), "'kind' is 'click'; allowed: view, purchase"),
        (_table(product=["a", " "]), r"'product' is blank in 1 row\(s\), first in row 2,"),
        (_table(basket=["", ""]), r"'basket' is blank in 2 row\(s\), first in row 1,"),
        (_table(time=["today", "never"]), "'time' holds no times"),
        (_table(time=[1, None]), r"'time' is null in 1 row"),
    ],
)
def test_what_cannot_be_read_is_named(table: pa.Table, message: str) -> None:
    with pytest.raises(TrainingInputError, match=message):
        Events.of(table)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingInputError, match=r"no file .*absent\.csv"):
        Events.read(tmp_path / "absent.csv")
    for name in ("events.txt", "events.parquet", "events.jsonl"):
        (tmp_path / name).write_text("[nothing")
        with pytest.raises(TrainingInputError, match=name.replace(".", r"\.")):
            Events.read(tmp_path / name)


def test_a_blank_kind_is_a_purchase(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("basket,product,kind\n1,a,\n1,b,view\n")
    assert Events.read(tmp_path / "events.csv").viewed.tolist() == [False, True]


def test_a_file_without_events_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("basket,product\n")
    with pytest.raises(TrainingInputError, match=r"events\.csv holds no event"):
        Events.read(tmp_path / "events.csv")


def test_a_split_by_time_needs_times() -> None:
    with pytest.raises(TrainingInputError, match="column 'time' is missing"):
        Events.of(_table()).before(1)
