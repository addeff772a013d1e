"""Bounds, where they come from, and that none of them lets anything pass by chance."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from export.errors import BadTowers
from export.gate.bounds import DEFAULT_BOUNDS, bounds_for
from export.gate.judge import judge
from export.gate.trial import Limits
from export.gate.values import Bounds, Figures, Labelled
from export.towers_file import load

GOOD = Figures(
    cosine_mean=0.9999,
    cosine_p01=0.9995,
    cosine_min=0.9992,
    recall_at_10=0.999,
    recall_at_100=0.999,
    batch_distance=1e-5,
    norm_error=1e-6,
    preparation=0.2,
    spread=0.4,
)
ALL = Bounds(recall_at_10=0.99, recall_at_100=0.99, cosine_mean=0.99, cosine_p01=0.99, cosine_min=0.99)
HEAD = '[vision]\nfactory = "a.b:c"\nimage_size = 32\nmean = [0.5, 0.5, 0.5]\nstd = [0.5, 0.5, 0.5]\n'


def labelled(before: float, after: float) -> Labelled:
    return Labelled(100, {1: before, 5: 0.9, 10: 1.0}, {1: after, 5: 0.9, 10: 0.1})


def test_defaults_are_those_that_are_documented() -> None:
    assert (DEFAULT_BOUNDS["fp16"].cosine_min, DEFAULT_BOUNDS["fp16"].recall_at_10) == (0.999, 0.995)
    assert (DEFAULT_BOUNDS["int8"].cosine_p01, DEFAULT_BOUNDS["int8"].recall_at_10) == (0.98, 0.97)
    assert (DEFAULT_BOUNDS["fp32"].cosine_min, DEFAULT_BOUNDS["fp32"].recall_at_10) == (0.9999, 0.999)
    assert {(one.batch_distance, one.labelled_drop) for one in DEFAULT_BOUNDS.values()} == {(1e-3, 0.02)}


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        ("cosine_mean", 0.9899),
        ("cosine_p01", 0.98),
        ("cosine_min", -1.0),
        ("recall_at_10", 0.9899),
        ("recall_at_100", 0.0),
        ("batch_distance", 1.1e-3),
        ("norm_error", 2e-3),
        ("norm_error", math.inf),
        ("preparation", 1.6),
        ("spread", 1e-4),
    ],
)
def test_each_figure_fails_alone(figure: str, value: float) -> None:
    assert judge(GOOD, ALL) == ()
    spoiled, unmeasured = (replace(GOOD, **{figure: one}) for one in (value, math.nan))  # type: ignore[arg-type]
    (failure,) = judge(spoiled, ALL, {figure: ("red mug",)})
    assert (failure.figure, failure.value, failure.worst) == (figure, value, ("red mug",))
    (nan,) = judge(unmeasured, ALL)
    assert nan.figure == figure


def test_nothing_measured_fails_everything() -> None:
    assert len(judge(Figures(), ALL)) == 9


def test_a_figure_at_its_bound_passes() -> None:
    assert judge(replace(GOOD, recall_at_10=0.99, batch_distance=1e-3), ALL) == ()


@pytest.mark.parametrize(("after", "passes"), [(0.8, True), (0.79, True), (0.77, False), (math.nan, False)])
def test_labelled_queries_may_lose_little(after: float, passes: bool) -> None:
    failures = judge(replace(GOOD, labelled=labelled(0.8, after)), ALL)
    assert [failure.figure for failure in failures] == ([] if passes else ["labelled_drop"])


@pytest.mark.parametrize(
    "asked",
    [
        {"cosine_min": math.nan},
        {"cosine_p01": 0.0},
        {"cosine_mean": 1.01},
        {"recall_at_10": -0.5},
        {"recall_at_100": math.inf},
        {"batch_distance": 2.0},
        {"batch_distance": math.nan},
        {"labelled_drop": 1.0},
        {"labelled_drop": math.nan},
        {"cosine": 0.9},
    ],
)
def test_bounds_that_bound_nothing_are_refused(asked: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(asked))}`"):
        bounds_for("int8", asked)


def test_a_cosine_must_be_bounded() -> None:
    with pytest.raises(ValueError, match="one of cosine_mean, cosine_p01, cosine_min must be bounded"):
        Bounds(recall_at_10=0.9)


def test_precisions_that_are_not_known_are_refused() -> None:
    with pytest.raises(ValueError, match="must be one of int8, fp16, fp32, got 'bf16'"):
        bounds_for("bf16")


def write(folder: Path, gate: str) -> Path:
    (folder / "towers.toml").write_text(HEAD + gate)
    return folder / "towers.toml"


def test_the_towers_file_has_its_own_bounds(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").touch()
    gate = '[gate]\nqueries = "queries.jsonl"\nproducts = 500\n[gate.int8]\nrecall_at_10 = 0.98\ncosine_min = 0.9\n'
    table = load(write(tmp_path, gate)).gate
    assert table.queries == tmp_path / "queries.jsonl"
    assert table.limits == Limits(products=500, held_out=256)
    assert table.bounds["int8"] == replace(DEFAULT_BOUNDS["int8"], recall_at_10=0.98, cosine_min=0.9)
    assert table.bounds["fp16"] == DEFAULT_BOUNDS["fp16"]


def test_without_the_table_the_defaults_hold(tmp_path: Path) -> None:
    table = load(write(tmp_path, "")).gate
    assert table.bounds == dict(DEFAULT_BOUNDS)
    assert (table.queries, table.limits) == (None, Limits())


def test_all_problems_of_the_table_are_told_at_once(tmp_path: Path) -> None:
    gate = """
        [gate]
        queries = "none.jsonl"
        products = 3
        held_out = 7
        [gate.int8]
        cosine_p01 = 1.5
        recall_at_10 = nan
        recal = 0.9
        batch_distance = 0
        [gate.fp16]
        labelled_drop = 1.0
        [gate.bf16]
        cosine_min = 0.9
    """
    with pytest.raises(BadTowers) as caught:
        load(write(tmp_path, gate))
    expected = {
        "gate.queries = 'none.jsonl'": f"there is nothing at {tmp_path}/none.jsonl",
        "gate.products = 3": "greater than or equal to 8",
        "gate.held_out = 7": "greater than or equal to 8",
        "gate.int8.cosine_p01 = 1.5": "less than or equal to 1",
        "gate.int8.recall_at_10 = nan": "finite number",
        "gate.int8.recal = 0.9": "no such key",
        "gate.int8.batch_distance = 0": "greater than 0",
        "gate.fp16.labelled_drop = 1.0": "less than 1",
        "gate.bf16": "no such key",
    }
    for field, allowed in expected.items():
        assert any(line.startswith(field) and allowed in line for line in caught.value.problems), (
            field,
            str(caught.value),
        )
    assert len(caught.value.problems) == len(expected)
