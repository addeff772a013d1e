"""Words and tickets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ensemble.admission.tickets import (
    ALL_SLOTS,
    GENERATIONS,
    LEAK_S,
    MOST_WEIGHT,
    NO_TICKET,
    is_of,
    oldest,
    slot_of,
    ticket_of,
    weight_under_way,
    word_of,
)

# From the start of a machine to ten years later, in nanoseconds.
TIMES = st.integers(10**9, 10 * 365 * 86_400 * 10**9)
SLOT = st.integers(0, ALL_SLOTS - 1)
GENERATION = st.integers(0, GENERATIONS - 1)
WEIGHT = st.integers(1, MOST_WEIGHT)
SECOND = 10**9


@given(SLOT, GENERATION)
def test_a_ticket_fits_int32_and_tells_its_slot(slot: int, generation: int) -> None:
    ticket = ticket_of(slot, generation)
    assert NO_TICKET < ticket <= np.iinfo(np.int32).max
    assert slot_of(ticket) == slot


@given(TIMES, WEIGHT, SLOT, GENERATION, GENERATION)
def test_a_word_is_of_its_own_generation_alone(now: int, weight: int, slot: int, one: int, other: int) -> None:
    word = word_of(now, weight, one)
    assert 0 < word <= np.iinfo(np.int64).max
    assert is_of(ticket_of(slot, other), word) == (one == other)
    assert not is_of(ticket_of(slot, one), 0)


@given(TIMES, st.lists(st.tuples(WEIGHT, GENERATION), max_size=20))
def test_what_is_under_way_is_the_sum_of_weights(now: int, taken: list[tuple[int, int]]) -> None:
    words = np.array([0, *(word_of(now, *each) for each in taken), 0], np.int64)
    assert weight_under_way(words, now) == sum(weight for weight, _ in taken)


@given(TIMES, WEIGHT, GENERATION, st.floats(0, 3 * LEAK_S))
def test_a_lost_ticket_counts_for_five_seconds(now: int, weight: int, generation: int, age_s: float) -> None:
    words = np.array([word_of(now, weight, generation)], np.int64)
    counted = weight_under_way(words, now + int(age_s * SECOND))
    if abs(age_s - LEAK_S) > 0.002:
        assert counted == (weight if age_s < LEAK_S else 0)


def test_nothing_is_under_way_in_the_first_second_of_a_machine() -> None:
    assert weight_under_way(np.zeros(4, np.int64), 0) == 0
    assert oldest(0) > 0
