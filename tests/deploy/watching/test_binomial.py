from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.watching.binomial import CHANCE, at_most, surely_above, surely_below


@given(of=st.integers(1, 60), share=st.floats(0.01, 0.99), data=st.data())
def test_the_chance_is_the_sum_of_the_binomial(of: int, share: float, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, of))
    exact = sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(count + 1))
    assert at_most(count, of, share) == pytest.approx(exact, abs=1e-9)


def test_a_few_of_a_few_are_never_sure() -> None:
    assert not surely_above(2, 100, 0.01)
    assert surely_above(8, 100, 0.01)
    assert not surely_above(0, 100, 0.0)
    assert not surely_below(8, 10, 0.9)
    assert surely_below(160, 200, 0.9)
    assert surely_below(0, 5, 0.9)


def test_large_counts_are_exact_enough_and_quick() -> None:
    assert at_most(50_000, 100_000, 0.5) == pytest.approx(0.5, abs=0.01)
    assert surely_above(600, 50_000, 0.01)
    assert not surely_above(520, 50_000, 0.01)


@pytest.mark.parametrize(("count", "of"), [(3, 2), (-1, 2)])
def test_more_than_there_were_is_refused(count: int, of: int) -> None:
    with pytest.raises(ValueError, match="`count` must be 0 to `of`"):
        at_most(count, of, 0.5)


def test_the_chance_of_a_false_alarm_is_small() -> None:
    assert CHANCE <= 0.001
