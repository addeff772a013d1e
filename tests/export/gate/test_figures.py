"""Cosines, labelled recall, company and time, each against values worked out by hand."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from export.errors import BadEvaluation
from export.gate.fidelity import cosines, first_percentile, require_sound, spread, worst_of
from export.gate.independence import companies, distances
from export.gate.labelled import compared, labelled_recall, losses
from export.gate.preparation import Feed, text_preparation
from export.gate.speed import MIN_ROUNDS, feeds, milliseconds
from export.reference import Array, Floats
from tests import tiny


def test_cosines_of_rows_and_nan_where_there_is_no_direction() -> None:
    ours = np.array([[1, 0], [1, 1], [0, 0], [np.nan, 1], [-2, 0], [np.inf, 0]], np.float32)
    theirs = np.array([[1, 0], [1, 0], [1, 0], [1, 0], [1, 0], [1, 0]], np.float32)
    np.testing.assert_allclose(cosines(ours, theirs), [1, np.sqrt(0.5), np.nan, np.nan, -1, np.nan], rtol=1e-7)


def test_the_first_percentile_is_a_value_that_there_is() -> None:
    assert first_percentile(np.array([0.9, 0.5, 0.7])) == 0.5
    assert first_percentile(np.linspace(0, 1, 1001)) == pytest.approx(0.01)
    assert np.isnan(first_percentile(np.array([0.9, np.nan])))


def test_the_worst_come_first_and_what_is_no_number_before_them() -> None:
    worst = worst_of(np.array([0.9, 0.1, np.nan, 0.5, 0.6, 0.7]), list("abcdef"))
    assert "".join(one.label for one in worst) == "cbdef"
    assert str(worst[1]) == "0.1000  b"


def test_spread_tells_one_vector_from_many() -> None:
    assert spread(np.eye(4, dtype=np.float32)) == pytest.approx(0.5)
    assert spread(np.tile(np.eye(1, 4, dtype=np.float32), (9, 1))) == 0
    assert np.isnan(spread(np.full((3, 2), np.nan, np.float32)))


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (np.tile(np.eye(1, 4), (9, 1)), "all but equal"),
        (np.full((9, 4), np.nan), "inf from length 1"),
        (np.zeros((9, 4)), "row 0"),
    ],
)
def test_vectors_that_judge_nothing_are_refused(vectors: Array, said: str) -> None:
    with pytest.raises(BadEvaluation, match=f"the reference: .*{said}"):
        require_sound(vectors.astype(np.float32), [f"row {at}" for at in range(9)], of="the reference")


def test_labelled_recall_before_and_after() -> None:
    products = np.eye(3, dtype=np.float32)
    right = {0: [0], 2: [1, 2]}
    reference = labelled_recall((np.array([[1, 0.5, 0], [0, 0, 1], [0, 1, 0.5]], np.float32), products), right)
    candidate = labelled_recall((np.array([[0.5, 1, 0], [0, 0, 1], [1, 0.5, 0]], np.float32), products), right)
    assert [values.tolist() for values in reference.values()] == [[1, 0.5], [1, 1], [1, 1]]
    assert candidate[1].tolist() == [0, 0]
    found = compared(reference, candidate)
    assert (found.queries, found.reference[1], found.candidate[1], found.drop) == (2, 0.75, 0, 0.75)
    assert losses(reference, candidate).tolist() == [1, 0.5]


def test_labelled_recall_of_scores_that_are_no_numbers_is_none() -> None:
    found = labelled_recall((np.full((1, 2), np.nan, np.float32), np.eye(2, dtype=np.float32)), {0: [0]})
    assert np.isnan(compared(found, found).drop)


@pytest.mark.parametrize("right", [{}, {0: []}])
def test_labelled_recall_without_labels_is_refused(right: dict[int, list[int]]) -> None:
    with pytest.raises(BadEvaluation, match="labelled recall"):
        labelled_recall((np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)), right)


def test_every_input_meets_company_of_other_lengths(tmp_path: Path) -> None:
    tiny.tokenizer().save(str(tmp_path / "tokenizer.json"))
    preparation = text_preparation(tmp_path / "tokenizer.json", tiny.TEXT)
    texts = [" ".join(tiny.WORDS[: 1 + at % 9]) for at in range(30)]
    made = companies(texts, [len(text.split()) for text in texts], preparation)
    mixed = made[:4]
    assert sorted(row for company in mixed for row in company.rows) == list(range(30))
    assert all(len(company.rows) <= 8 for company in made)
    for company in mixed:
        assert np.ptp(company.feed["LENGTHS"]) >= 5
    assert [company.feed["INPUT_IDS"].shape[1] for company in made[4:]] == [4, 8, 16]


def test_the_farthest_move_counts_and_nan_stays(tmp_path: Path) -> None:
    tiny.tokenizer().save(str(tmp_path / "tokenizer.json"))
    preparation = text_preparation(tmp_path / "tokenizer.json", tiny.TEXT)
    made = companies(["red", "blue mug"], [1, 2], preparation)

    def encode(feed: Feed) -> Floats:
        rows, width = feed["INPUT_IDS"].shape
        return np.full((rows, 1), width / 4 if width < 16 else 2.5, np.float32)

    assert distances(np.ones((2, 1), np.float32), made, encode).tolist() == [1.5, 1.5]
    moved = distances(np.ones((2, 1), np.float32), made, lambda feed: encode(feed) * np.float32(np.nan))
    assert np.isnan(moved).all()


def test_time_is_measured_in_turn_and_within_bounds() -> None:
    order: list[str] = []
    advanced: list[int] = []

    def run(name: str, seconds: float) -> None:
        order.append(name)
        time.sleep(seconds)

    runs = [lambda _: run("a", 0.002), lambda _: run("b", 0.004)]
    given: dict[int, list[Feed]] = {1: [{}, {}], 8: [{}]}
    quick, slow = milliseconds(runs, given, seconds=1e-6, advance=advanced.append)
    assert set(quick) == {1, 8}
    assert slow[1] > quick[1] >= 2
    assert len(order) == 2 * 2 * (2 + MIN_ROUNDS)
    assert "".join(order[4 : 4 + 2 * MIN_ROUNDS]) == "abbaab"
    assert advanced == [1, 1]


def test_batches_are_filled_by_repeating_inputs() -> None:
    asked: list[int] = []

    def served(raws: object) -> Feed:
        asked.append(len(raws))  # type: ignore[arg-type]
        return {}

    feeds(["a", "b", "c"], served)
    assert set(asked) == {1, 8, 32}
