from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.engine_limits import Limits

SHORT = Limits({"INPUT_IDS": ((1, 16), (8, 16), (64, 16)), "LENGTHS": ((1, 1), (8, 1), (32, 1))})
LONG = Limits({"INPUT_IDS": ((1, 16), (8, 64), (64, 64)), "LENGTHS": ((1, 1), (8, 1), (32, 1))})


def text(rows: int, tokens: int) -> dict[str, NDArray[Any]]:
    return {"INPUT_IDS": np.zeros((rows, tokens), np.int64), "LENGTHS": np.ones((rows, 1), np.int32)}


@pytest.mark.parametrize(
    ("rows", "tokens", "taken"), [(1, 16, True), (500, 16, True), (0, 16, False), (1, 17, False), (1, 15, False)]
)
def test_rows_may_be_many_but_their_shape_must_fit(rows: int, tokens: int, taken: bool) -> None:
    assert SHORT.take(text(rows, tokens)) is taken


def test_another_rank_does_not_fit() -> None:
    assert not SHORT.take({"INPUT_IDS": np.zeros(16, np.int64), "LENGTHS": np.ones((1, 1), np.int32)})


def test_the_profile_tuned_for_a_shape_is_the_nearest() -> None:
    assert LONG.take(text(8, 16))
    assert SHORT.distance(text(8, 16)) == 0
    assert LONG.distance(text(8, 16)) == 48
    assert SHORT.distance(text(4, 16)) == 8


def test_the_smallest_largest_batch_counts() -> None:
    assert SHORT.most_rows == 32
    assert SHORT.told() == "INPUT_IDS (1, 16) to (64, 16), LENGTHS (1, 1) to (32, 1)"
