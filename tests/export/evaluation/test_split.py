"""A split has no gap, and nothing of the test before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from export.errors import BadEvents, Leak, TooLittle
from export.evaluation.split import moment, read_split
from tests.export.evaluation import small


def test_every_event_is_on_one_side(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    assert (len(split.before), len(split.after), len(split.all)) == (13, 10, 23)
    assert split.before.time is not None
    assert split.after.time is not None
    assert split.before.time.max() < small.SPLIT <= split.after.time.min()
    assert "p8" not in split.before.products
    assert split.users == ("ann", "bob", "", "ann", "ann", "cid", "cid", "")


def test_a_basket_that_lasts_beyond_the_moment_is_cut(tmp_path: Path) -> None:
    table = pa.table({"basket": ["a", "a", "b"], "product": ["x", "y", "x"], "time": [998, 1_000, 1_001]})
    parquet.write_table(table, tmp_path / "events.parquet")
    split = read_split(tmp_path / "events.parquet", small.SPLIT)
    assert (split.before.products, len(split.after)) == (("x",), 2)


def test_an_event_of_the_test_planted_in_the_training_is_found(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    with pytest.raises(Leak, match="training events reach 1970-01-01 00:21:40"):
        replace(split, before=split.all)


def test_a_gap_is_found(tmp_path: Path) -> None:
    split = small.split(tmp_path)
    assert split.before.time is not None
    with pytest.raises(Leak, match=r"9 events before and 10 after .* are not the 23"):
        replace(split, before=split.before.only(split.before.time < 400).only(np.arange(9)))


@pytest.mark.parametrize("moment_s", [0, 5_000])
def test_both_sides_are_needed(tmp_path: Path, moment_s: int) -> None:
    parquet.write_table(small.events(), tmp_path / "events.parquet")
    with pytest.raises(TooLittle, match="before it and after it"):
        read_split(tmp_path / "events.parquet", moment_s)


def test_events_without_times_cannot_be_split(tmp_path: Path) -> None:
    parquet.write_table(small.events().drop_columns(["time"]), tmp_path / "events.parquet")
    with pytest.raises(BadEvents, match="'time' is missing"):
        read_split(tmp_path / "events.parquet", small.SPLIT)
    with pytest.raises(BadEvents, match="no file"):
        read_split(tmp_path / "none.parquet", small.SPLIT)


def test_a_day_is_in_utc() -> None:
    assert moment("1970-01-02") == 86_400
    assert moment("1970-01-01T01:00:00+01:00") == 0
    with pytest.raises(ValueError, match="isoformat"):
        moment("September")
