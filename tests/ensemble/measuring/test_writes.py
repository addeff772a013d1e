from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ensemble.errors import InvalidInput, Unavailable
from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import WRITES
from ensemble.measuring.writes import Answers, counted, outcome_of


def test_every_row_of_a_write_is_counted_by_what_came_of_it() -> None:
    board = Board()
    outcomes: Answers = [
        {"SEQ": np.array([[1], [2]])},
        InvalidInput("PATCH", "no JSON"),
        Unavailable("away"),
        OSError("full"),
    ]
    requests = [{"PATCH": np.full((rows, 1), b"{}", object)} for rows in (2, 1, 3, 1)]
    assert counted(lambda _: outcomes, board, "patch")(requests) is outcomes
    counters, _ = board.take()
    told = {"done": 2.0, "refused": 1, "unavailable": 3, "failed": 1}
    assert counters == {
        Series(WRITES, (("operation", "patch"), ("outcome", name))): rows for name, rows in told.items()
    }


def test_outcomes_are_shown_from_zero_on() -> None:
    board = Board()
    counted(lambda _: [], board, "delete")
    counters, _ = board.take()
    assert set(counters.values()) == {0.0}
    assert {dict(series.labels)["outcome"] for series in counters} == {"done", "refused", "unavailable", "failed"}


def test_a_write_that_cannot_be_counted_is_answered_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    board, answers = Board(), [{"SEQ": np.array([[1]])}]
    without_length: Any = {"PRODUCT": 1.0}
    answer = counted(lambda _: answers, board, "commit")
    for _ in range(2):
        assert answer([without_length]) is answers
    assert [record.message for record in caplog.records] == ["a write cannot be counted; going on"]


def test_outcomes_are_told_apart() -> None:
    answers: Answers = [{}, InvalidInput("K", "0"), Unavailable("a"), ValueError()]
    assert [outcome_of(each) for each in answers] == [
        "done",
        "refused",
        "unavailable",
        "failed",
    ]
