"""Building the CPU engine: what is refused, what is the same each time, and what is between measured settings."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from ensemble.errors import DamagedRelease
from ensemble.index import Index
from ensemble.index.ann import FILES, AnnEngine, build
from ensemble.index.ann.training import train
from ensemble.index.ann.tuned import Tuned
from ensemble.index.ann.tuning import LEAST_MARGINS, LEAST_OF_SHORT, MEASURED_DIM, least_margins
from ensemble.index.choice import EngineChoice
from tests.ensemble.clustered import clustered, snapshot


def test_the_same_rows_and_seed_give_the_same_files(tmp_path: Path) -> None:
    slots = snapshot(tmp_path, clustered(500, 17))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        build(slots, tmp_path / name, queries=clustered(40, 21), seed=3, threads=1)
    for file in FILES:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_lists_that_cannot_be_written_are_told_as_by_the_system(tmp_path: Path) -> None:
    """As on a full disk: FAISS itself raises what no one expects of a disk."""
    structure = train(snapshot(tmp_path, clustered(500, 17)).base, 0)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            structure.save(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_without_queries_the_margins_are_at_least_those_that_short_queries_need(tmp_path: Path) -> None:
    slots = snapshot(tmp_path, clustered(300, 22))
    assert all(np.array(build(slots, tmp_path, threads=1).tuned.margins) >= least_margins(slots.row_dim))


def test_least_margins_are_those_measured_and_shorter_between() -> None:
    assert least_margins(MEASURED_DIM) == least_margins(1_024) == LEAST_MARGINS
    assert least_margins(256) == LEAST_OF_SHORT
    assert all(np.array(LEAST_OF_SHORT) < least_margins(257))
    assert all(np.array(least_margins(257)) < LEAST_MARGINS)


def test_rows_that_are_not_finite_are_refused_by_number(tmp_path: Path) -> None:
    rows = clustered(200, 18).astype(np.float16)
    rows[123, 4] = np.nan
    with pytest.raises(ValueError, match="row 123 holds a value that is not finite"):
        train(rows, 0)


def test_too_few_rows_are_refused(tmp_path: Path) -> None:
    slots = snapshot(tmp_path, clustered(20, 19))
    with pytest.raises(ValueError, match="20 rows; at least 64"):
        build(slots, tmp_path)


def test_lists_of_more_slots_than_there_are_are_refused(tmp_path: Path) -> None:
    many, few = snapshot(tmp_path / "many", clustered(200, 20)), snapshot(tmp_path / "few", clustered(100, 20))
    build(many, tmp_path / "many", queries=clustered(20, 23), threads=1)
    with pytest.raises(DamagedRelease, match="lists of 200 slots do not belong to an index of 100"):
        AnnEngine.open(few, tmp_path / "many")


def test_settings_between_those_that_were_measured() -> None:
    tuned = Tuned((12.0, 10.0, 6.0), (100, 400))
    assert [tuned.margin(rate) for rate in (1.0, 0.1, 0.01, 0.001)] == [12.0, 10.0, 6.0, 6.0]
    assert tuned.margin(10**-0.5) == pytest.approx(11.0)
    assert [tuned.candidate_count(wanted) for wanted in (1, 10, 100, 1_000)] == [100, 100, 400, 1_600]
    with pytest.raises(ValueError, match="3 margins"):
        Tuned((1.0,), (100, 400))


def test_an_index_of_few_rows_is_searched_without_lists(tmp_path: Path) -> None:
    rows = clustered(63, 16)
    snapshot(tmp_path, rows)
    (hits,) = Index.open(tmp_path, engine=EngineChoice("ann")).search(rows[:1].astype(np.float32), [1])
    assert hits.slots.tolist() == [0]
