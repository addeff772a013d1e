from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.errors import (
    BadInput,
    BadSetting,
    Behind,
    ClientClosed,
    NoServer,
    NotServed,
    QueueFull,
    ServerFault,
    TandemError,
    Timeout,
    Unavailable,
)
from clients.retry import NO_RETRIES, RetryPolicy

POLICY = RetryPolicy(tries=4, first_pause_s=0.1, longest_pause_s=0.3)


@pytest.mark.parametrize("kind", [Unavailable, NoServer, QueueFull, Behind])
def test_what_may_pass_is_tried_again(kind: type[TandemError]) -> None:
    assert POLICY.pause_s(kind("x"), 1, left_s=10, draw=0.5) == pytest.approx(0.05)


@pytest.mark.parametrize("kind", [BadInput, NotServed, ServerFault, Timeout, ClientClosed, BadSetting])
def test_what_cannot_pass_is_not_tried_again(kind: type[TandemError]) -> None:
    assert POLICY.pause_s(kind("x"), 1, left_s=10, draw=0.5) is None


def test_the_bound_doubles_up_to_the_longest_pause() -> None:
    assert [POLICY.bound_s(attempt) for attempt in (1, 2, 3, 4, 10_000)] == pytest.approx([0.1, 0.2, 0.3, 0.3, 0.3])


def test_it_gives_up_after_the_last_try_and_where_the_pause_outlasts_the_deadline() -> None:
    assert POLICY.pause_s(Unavailable("x"), 3, left_s=10, draw=0.5) is not None
    assert POLICY.pause_s(Unavailable("x"), 4, left_s=10, draw=0.5) is None
    assert POLICY.pause_s(Unavailable("x"), 1, left_s=0.05, draw=0.5) is None
    assert NO_RETRIES.pause_s(Unavailable("x"), 1, left_s=10, draw=0.0) is None


@given(
    st.builds(
        RetryPolicy, tries=st.integers(1, 100), first_pause_s=st.floats(0, 1e6), longest_pause_s=st.floats(0, 1e6)
    ),
    st.integers(1, 10_000),
    st.floats(-1, 1e6),
    st.floats(0, 1, exclude_max=True),
)
def test_a_pause_is_within_its_bounds(policy: RetryPolicy, attempt: int, left_s: float, draw: float) -> None:
    pause = policy.pause_s(Unavailable("x"), attempt, left_s=left_s, draw=draw)
    if pause is not None:
        assert 0 <= pause <= policy.longest_pause_s
        assert pause < left_s
        assert attempt < policy.tries


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf])
def test_a_policy_checks_itself(value: float) -> None:
    with pytest.raises(BadSetting, match="tries: 0; allowed: 1 or more"):
        RetryPolicy(tries=0)
    with pytest.raises(BadSetting, match="first_pause_s"):
        RetryPolicy(first_pause_s=value)
    with pytest.raises(BadSetting, match="longest_pause_s"):
        RetryPolicy(longest_pause_s=value)
