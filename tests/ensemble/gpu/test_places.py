"""The numbering of the device keeps the order of the slots."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.index.gpu.places import ALIGNMENT, Places

bases = st.one_of(st.integers(0, 3 * ALIGNMENT), st.sampled_from([10_000_000, 2**33 + 1]))


@given(base=bases, after=st.lists(st.integers(-600, 600), max_size=30))
def test_slots_and_places_are_one_to_one_and_in_one_order(base: int, after: list[int]) -> None:
    places = Places(base)
    slots = np.unique(np.array([max(0, base + number) for number in after], np.int64))
    found = places.of_slots(slots)
    assert found.dtype == np.int64
    assert (np.diff(found) > 0).all()
    assert places.to_slots(found).tolist() == slots.tolist()
    assert ((found < base) | (found >= places.start)).all()
    for slot, place in zip(slots.tolist(), found.tolist(), strict=True):
        assert places.count(slot + 1) == place + 1


@given(bases)
def test_the_tail_starts_at_the_next_multiple(base: int) -> None:
    start = Places(base).start
    assert start % ALIGNMENT == 0
    assert base <= start < base + ALIGNMENT
    assert Places(base).of_slots(np.array([base])).tolist() == [start]
    assert Places(base).count(base) == base


def test_no_slots_take_no_places() -> None:
    assert Places(0).count(0) == 0
    assert Places(0).of_slots(np.empty(0, np.int64)).tolist() == []


def test_less_than_none_is_refused() -> None:
    with pytest.raises(ValueError, match="base: -1 slots"):
        Places(-1)
