from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from deploy.watching.breach import Breach
from deploy.watching.deciding import Decision, State, decide
from deploy.watching.observing import Latency, Observation, Readings, Recall, Traffic
from tests.deploy.watching.scripted import BOUNDS, START, failing, hanging, refusing, seen, slow, spoiled, well


def after(looks: Sequence[Observation], state: State | None = None) -> tuple[State, tuple[Breach, ...], Decision]:
    """What is known and decided after some looks; no look but the last decides anything."""
    state = state or State()
    breaches: tuple[Breach, ...] = ()
    decision = Decision("nothing")
    for number, look in enumerate(looks):
        state, breaches, decision = decide(look, state, BOUNDS)
        assert number == len(looks) - 1 or decision.kind == "nothing", decision
    return state, breaches, decision


def looks(live: Readings, count: int = 3, *, first: float = 100.0, **more: Any) -> list[Observation]:
    return [seen(live, at=first + 10.0 * number, **more) for number in range(count)]


def known(*releases: Readings) -> State:
    """What was measured of releases while they were live."""
    return State(measured={one.release: one for one in releases})


def test_a_new_release_that_finds_nothing_is_rolled_back_and_the_reason_is_told_in_full() -> None:
    _, _, decision = after(looks(spoiled(2)), known(well(1)))
    assert decision == Decision(
        "rollback",
        "release 2: recall@10 is 0.167 over 60 questions, and was 0.950 when the release was made (recall_drop 0.05). "
        "Such as: question 3 finds nothing",
        2,
    )


def test_recall_is_judged_within_the_time_of_grace_and_errors_are_not() -> None:
    assert after(looks(spoiled(2), first=5.0), known(well(1)))[2].kind == "rollback"
    assert after(looks(failing(2), first=5.0), known(well(1)))[2].kind == "nothing"
    assert after(looks(slow(2), first=5.0), known(well(1)))[1] == ()


@pytest.mark.parametrize("live", [failing(2), slow(2), spoiled(2)])
def test_fewer_breaches_in_a_row_than_asked_for_decide_nothing(live: Readings) -> None:
    before = known(well(1))
    assert after(looks(live, 2), before)[2].kind == "nothing"
    assert after(looks(live, 3), before)[2].kind == "rollback"
    broken = [*looks(live, 2), *looks(well(2), 1, first=120.0), *looks(live, 2, first=130.0)]
    assert after(broken, before)[2].kind == "nothing"


def test_a_look_with_nothing_new_neither_counts_nor_starts_anew() -> None:
    quiet = replace(failing(2), traffic=None, latencies={}, recall=None)
    mixed = [*looks(failing(2), 2), *looks(quiet, 5, first=120.0), *looks(failing(2), 1, first=200.0)]
    assert after(mixed, known(well(1)))[2].kind == "rollback"


def test_without_a_release_before_it_a_person_is_told() -> None:
    _, _, decision = after(looks(spoiled(2), previous=None))
    assert decision.kind == "alarm"
    assert "there is no release before it" in decision.why


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"first": 4_000.0}, "longer than its watch period (probation_s 3600)"),
        ({"bad": frozenset({1})}, "release 1, which was before it, was rolled back from itself"),
        ({"gone_back": True}, "it was gone back to"),
        ({"rolled_back": START - 100.0}, "the last rollback was 220 s ago (cooldown_s 1800)"),
    ],
)
def test_what_forbids_going_back_makes_it_an_alarm(changed: dict[str, Any], reason: str) -> None:
    _, _, decision = after(looks(spoiled(2), **changed), known(well(1)))
    assert decision.kind == "alarm"
    assert reason in decision.why


def test_a_cooldown_that_is_over_forbids_nothing() -> None:
    assert after(looks(spoiled(2), rolled_back=START - 1_800.0), known(well(1)))[2].kind == "rollback"


@pytest.mark.parametrize("canary", [failing(2), slow(2), spoiled(2)])
def test_a_release_on_trial_that_breaches_is_taken_away(canary: Readings) -> None:
    trial = [seen(well(1), at=5_000.0 + 10.0 * number, previous=None, canary=canary) for number in range(10)]
    state, decisions = State(), []
    for look in trial:
        state, _, decision = decide(look, state, BOUNDS)
        decisions.append(decision.kind)
    assert "end_canary" in decisions
    assert set(decisions) <= {"nothing", "end_canary"}
    assert decisions[:2] == ["nothing", "nothing"]
    if canary.recall == well(2).recall:
        assert decisions.index("end_canary") == 8, "60 seconds of grace, then three looks"


@pytest.mark.parametrize("make", [failing, slow, spoiled])
def test_what_both_releases_suffer_from_at_once_is_not_the_fault_of_the_one_on_trial(make: Any) -> None:
    trial = [seen(make(1), at=5_000.0 + 10.0 * number, previous=None, canary=make(2)) for number in range(20)]
    state = State()
    for look in trial:
        state, breaches, decision = decide(look, state, BOUNDS)
        assert decision.kind != "end_canary"
    about = [breach for breach in breaches if breach.release == 2]
    assert about
    assert all(breach.excuse is not None and "release 1" in breach.excuse for breach in about)


def test_what_the_release_before_suffered_from_too_is_not_the_new_ones_fault() -> None:
    for make in (failing, slow, spoiled):
        _, breaches, decision = after(looks(make(2), 10), known(make(1)))
        assert decision.kind == "nothing"
        assert "before the switch" in str(breaches[0].excuse)


def test_what_is_away_takes_the_blame_for_errors_and_times_and_not_for_recall() -> None:
    away: dict[str, Any] = {"away": "Milvus does not answer"}
    bad = replace(failing(2), latencies=slow(2).latencies)
    _, breaches, decision = after(looks(bad, 10, **away), known(well(1)))
    assert decision.kind == "nothing"
    assert {breach.excuse for breach in breaches} == {"Milvus does not answer"}
    assert after(looks(spoiled(2), **away), known(well(1)))[2].kind == "rollback"


def test_more_requests_than_before_that_wait_in_queues_excuse_and_as_many_do_not() -> None:
    waiting = Traffic(10.0, 4_000, 400, queued=0.7)
    flooded = well(2, traffic=waiting, latencies=slow(2).latencies, failed=1)
    _, breaches, decision = after(looks(flooded, 10), known(well(1)))
    assert decision.kind == "nothing"
    assert "400.0 a second come, 100.0 came before the switch" in str(breaches[0].excuse)
    sluggish = well(2, traffic=replace(waiting, requests=1_000, failures=100), latencies=slow(2).latencies)
    assert after(looks(sluggish), known(well(1)))[2].kind == "rollback"


def test_refused_requests_of_callers_are_as_many_as_before() -> None:
    """One caller who sends nonsense makes every release fail as often, from whenever on."""
    nonsense = {"traffic": Traffic(10.0, 1_000, 100)}
    later = after(looks(well(2, **nonsense), 10), known(well(1)))
    assert later[2].kind == "nothing", "every question is answered"
    own = {"traffic": Traffic(10.0, 1_000, 100, own=60)}
    assert after(looks(well(2, **own)), known(well(1)))[2].kind == "rollback", "the search says that it failed"
    assert after(looks(well(2, **nonsense), 10), known(well(1, **nonsense)))[2].kind == "nothing"
    unknown = after(looks(well(2, **nonsense), 10))
    assert unknown[2].kind == "nothing", "every question was answered, and what was before is not known"
    assert after(looks(well(2, **nonsense, failed=3)))[2].kind == "rollback"


def test_few_requests_and_few_questions_are_no_proof() -> None:
    unlucky = well(2, traffic=Traffic(10.0, 200, 5), recall=Recall(8.0, 10, 0.95))
    assert after(looks(unlucky, 10), known(well(1)))[:2][1] == ()


def test_times_are_held_against_the_other_release() -> None:
    worst = {"search_text": Latency(1_000, 40.0, (40.0, 45.0, 50.0))}
    thrice = well(2, latencies={"search_text": Latency(1_000, 150.0, (150.0,))})
    _, _, decision = after(looks(thrice), known(well(1, latencies=worst)))
    assert decision.kind == "rollback"
    told = "3.0 times the 50.0 ms of the worst of 3 minutes before the switch with release 1 (p99_ratio 2)"
    assert told in decision.why


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (Latency(1_000, 40.0, (40.0, 80.0, 40.0)), Latency(1_000, 150.0, (150.0,))),
        (Latency(1_000, 40.0, (40.0, 40.0)), Latency(1_000, 150.0, (150.0,))),
        (Latency(1_000, 40.0, (40.0,) * 10), Latency(999, 150.0)),
        (Latency(1_000, 40.0, (40.0,) * 10), Latency(1_000, 99.0, (99.0,))),
    ],
    ids=["as slow in one minute", "few minutes", "few requests", "fast enough"],
)
def test_times_that_may_be_chance_or_hurt_nobody_are_not_held_against_it(before: Latency, now: Latency) -> None:
    state = known(well(1, latencies={"search_text": before}))
    assert after(looks(well(2, latencies={"search_text": now}), 10), state)[1] == ()


def test_more_requests_excuse_slower_answers_whatever_the_queue() -> None:
    slower = {"search_text": Latency(1_000, 150.0, (150.0,))}
    busy = well(2, latencies=slower, traffic=Traffic(10.0, 1_600, 0))
    _, breaches, decision = after(looks(busy, 10), known(well(1)))
    assert decision.kind == "nothing"
    assert breaches[0].excuse == "160.0 a second come, 100.0 came before the switch"
    assert after(looks(replace(busy, traffic=Traffic(10.0, 1_400, 0))), known(well(1)))[2].kind == "rollback"


def test_a_release_that_hangs_or_refuses_is_rolled_back_and_more_load_excuses_refusals() -> None:
    hung = after(looks(hanging(2)), known(well(1)))[2]
    assert "10 of 10 questions with known answers were not answered (question_failures 10.00%)" in hung.why
    refused = after(looks(refusing(2)), known(well(1)))[2]
    assert "70.00% of 1,000 requests failed" in refused.why
    assert after(looks(hanging(2)), known(hanging(1)))[2].kind == "nothing", "as the one before it"
    flood = replace(refusing(2), traffic=Traffic(10.0, 4_000, 0, rejected=3_000, queued=0.8))
    _, breaches, decision = after(looks(flood, 10), known(well(1)))
    assert decision.kind == "nothing"
    assert {breach.bound for breach in breaches} == {"error_rate", "question_failures"}
    few = replace(hanging(2), failed=0, refused=10)
    assert after(looks(few, 10))[1] == (), "a full queue, and nobody knows how many came before"


def test_recall_that_fell_with_a_catalogue_that_changed_is_for_a_person() -> None:
    _, breaches, decision = after(looks(spoiled(2), 1), known(well(1)))
    assert (breaches[0].excuse, decision.kind) == (None, "nothing")
    _, breaches, decision = after(looks(replace(spoiled(2), changed=0.25), 1), known(well(1)))
    assert breaches[0].excuse == "the catalogue has +25% products since it is watched, whatever the release"
    assert decision.kind == "alarm"
    assert after(looks(replace(spoiled(2), changed=-0.05)), known(well(1)))[2].kind == "rollback"


def test_drift_is_told_and_acts_only_where_it_shall() -> None:
    drifted = well(2, drift="queries are of another kind")
    _, breaches, decision = after(looks(drifted, 5), known(well(1)))
    assert decision.kind == "nothing"
    assert breaches[0].sentence == (
        "release 2: queries are of another kind; not the release's fault: queries drift whatever the release; "
        '`drift` is "tell"'
    )
    acting = replace(BOUNDS, drift="act")
    state = known(well(1))
    for look in looks(drifted):
        state, _, decision = decide(look, state, acting)
    assert decision.kind == "rollback"


def test_one_restart_is_chance_and_two_are_the_release() -> None:
    assert after(looks(well(2), 10, restarts=1), known(well(1)))[2].kind == "nothing"
    assert "restarted 2 times since the switch" in after(looks(well(2), restarts=2), known(well(1)))[2].why


def test_nothing_is_decided_while_a_switch_is_made() -> None:
    assert after(looks(spoiled(2), 10, switching="activate 3"), known(well(1)))[2].kind == "nothing"


def test_the_release_gone_back_to_stays_where_it_is() -> None:
    state, _, decision = after(looks(spoiled(2)), known(well(1)))
    assert decision.kind == "rollback"
    then = START + 130.0
    back = [
        seen(spoiled(1), at=10.0 * number, since=then, previous=None, bad=frozenset({2}), gone_back=True)
        for number in range(1, 500)
    ]
    kinds = set()
    for look in back:
        state, _, decision = decide(look, state, BOUNDS)
        kinds.add(decision.kind)
    assert kinds == {"nothing", "alarm"}
