"""Whatever releases and people do: going back happens once for each activation, and never to what was left as bad."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.watching.deciding import decide
from deploy.watching.observing import Traffic
from tests.deploy.watching.scripted import BOUNDS, well
from tests.deploy.watching.world import RELEASES, Steps, World

FAULTS = st.sampled_from(["spoiled", "spoiled", "failing", "well"])
LOOKS = st.tuples(st.just("look"), st.integers(3, 6))
STEPS = st.one_of(
    LOOKS,
    LOOKS,
    st.tuples(st.just("activate"), st.sampled_from(RELEASES)),
    st.tuples(st.just("activate"), st.sampled_from(RELEASES)),
    st.tuples(st.just("wait"), st.sampled_from([60, 900, 1_900, 4_000])),
    st.tuples(st.just("canary"), st.sampled_from(RELEASES)),
    st.tuples(st.just("roll_back"), st.just("person")),
    st.tuples(st.just("shared"), st.sampled_from([None, None, "failing", "slow"])),
    st.tuples(st.just("quiet"), st.booleans()),
    st.tuples(st.just("restarts"), st.integers(0, 3)),
)


@settings(max_examples=300, deadline=None)
@given(
    faults=st.fixed_dictionaries(dict.fromkeys(RELEASES, FAULTS)),
    steps=st.lists(STEPS, min_size=8, max_size=24),
    naive=st.booleans(),
)
def test_it_never_goes_to_and_fro(faults: dict[int, str], steps: Steps, naive: bool) -> None:
    world = World(faults, naive)
    world.play(steps)
    left: set[int] = set()
    last: float | None = None
    before = ""
    for who, time, away_from, to in world.done:
        if who == "watch":
            assert to not in left, "gone back to a release that was rolled back from"
            assert before == "activate", "only what a person activated is taken back"
            assert last is None or time - last >= BOUNDS.cooldown_s
            last = time
        if who != "activate":
            left.add(away_from)
        before = who


@settings(max_examples=20, deadline=None)
@given(steps=st.lists(STEPS.filter(lambda step: step[0] not in ("restarts", "shared")), max_size=15))
def test_releases_that_are_well_are_left_alone(steps: Steps) -> None:
    world = World(dict.fromkeys(RELEASES, "well"))
    world.play(steps)
    assert not [who for who, *_ in world.done if who == "watch"]


@settings(max_examples=20, deadline=None)
@given(trouble=st.sampled_from(["failing", "slow"]), looks=st.integers(1, 60), canary=st.booleans())
def test_a_trouble_that_begins_before_a_switch_and_lasts_is_nobodys_fault(
    trouble: str, looks: int, canary: bool
) -> None:
    world = World(dict.fromkeys(RELEASES, "well"))
    later = ("canary", 2) if canary else ("activate", 2)
    world.play([("look", 10), ("shared", trouble), ("look", 5), later, ("look", looks)])
    assert [who for who, *_ in world.done] == ([] if canary else ["activate"])
    assert world.canary == (2 if canary else None)


@settings(max_examples=20, deadline=None)
@given(fault=st.sampled_from(["failing", "slow", "spoiled", "refusing", "hanging"]), healthy=st.integers(7, 50))
def test_a_bad_release_is_always_taken_back(fault: str, healthy: int) -> None:
    world = World({1: "well", 2: fault, 3: "well", 4: "well"})
    world.play([("look", healthy), ("activate", 2), ("look", 20)])
    assert [(who, before, after) for who, _, before, after in world.done] == [("activate", 1, 2), ("watch", 2, 1)]


@settings(max_examples=30, deadline=None)
@given(trouble=st.sampled_from(["nonsense", "cut_off"]), after=st.integers(0, 30), looks=st.integers(1, 60))
def test_a_trouble_of_callers_or_of_the_database_that_begins_after_a_switch_is_nobodys_fault(
    trouble: str, after: int, looks: int
) -> None:
    world = World(dict.fromkeys(RELEASES, "well"))
    world.play([("look", 10), ("activate", 2), ("look", after), ("shared", trouble), ("look", looks)])
    assert [who for who, *_ in world.done] == ["activate"]
    world.play([("shared", None), ("look", 10), ("canary", 3), ("look", after), ("shared", trouble), ("look", looks)])
    assert world.canary == 3


@pytest.mark.parametrize("fault", ["refusing", "hanging"])
def test_a_release_on_trial_that_refuses_or_hangs_is_taken_away(fault: str) -> None:
    world = World({1: "well", 2: fault, 3: "well", 4: "well"})
    world.play([("look", 10), ("canary", 2), ("look", 12)])
    assert world.canary is None


def test_strain_of_both_releases_is_not_the_fault_of_the_one_on_trial() -> None:
    world = World(dict.fromkeys(RELEASES, "well"), canary=2)
    full = Traffic(10.0, 5_000, 2_000, queued=0.8)
    for _ in range(30):
        world.do_wait(10.0)
        seen = world.seen()
        flooded = replace(seen, live=well(1, traffic=full), canary=well(2, traffic=full))
        world.state, _, decision = decide(flooded, world.state, BOUNDS)
        assert decision.kind == "nothing"
