"""What a client does for a call, step by step and without a server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from clients import (
    NO_RETRIES,
    BadSetting,
    BadUrl,
    NoCanary,
    NotServed,
    QueueFull,
    RetryPolicy,
    TandemError,
    Timeout,
    Unavailable,
)
from clients.canary import Canary
from clients.exchange import Exchange, FindTrial, ForgetTrial, Infer, Pause, Steps
from clients.tensors import Call
from clients.values import Query

PATIENT = RetryPolicy(tries=3, first_pause_s=0.0)


def exchange(retries: RetryPolicy = NO_RETRIES, canary: Canary = "auto") -> Exchange:
    return Exchange.of("grpc://localhost:1", 5.0, retries, canary)


def ask(queries: Sequence[Query]) -> Call[list[str]]:
    """A request whose answer is its model's name and what each row asks for."""
    return Call("search_text", (), lambda outputs: [f"{outputs} {query.text!r}" for query in queries])


def carry_out(steps: Steps[Any], *, trial: list[int], errors: dict[str, list[TandemError]]) -> tuple[list[str], Any]:
    """Names of the steps and what came of them; ``errors`` are what models answer before they answer well."""
    said: list[str] = []
    try:
        step = next(steps)
        while True:
            said.append(type(step).__name__ if not isinstance(step, Infer) else step.call.model)
            match step:
                case FindTrial():
                    step = steps.send(trial)
                case Infer(call, timeout_s):
                    assert 4.0 < timeout_s <= 5.0
                    failed = errors.get(call.model)
                    step = steps.throw(failed.pop(0)) if failed else steps.send(call.model)
                case Pause() | ForgetTrial():
                    step = steps.send(None)
    except StopIteration as ended:
        return said, ended.value
    except TandemError as error:
        return said, error


QUERIES = [Query("a"), Query("b"), Query("c")]
PUBLIC, TRIAL = "search_text", "search_text_canary"


@pytest.mark.parametrize(
    ("trial", "errors", "said", "came"),
    [
        ([], {}, [PUBLIC], [f"{PUBLIC} 'a'", f"{PUBLIC} 'b'", f"{PUBLIC} 'c'"]),
        ([1], {}, [TRIAL, PUBLIC], [f"{PUBLIC} 'a'", f"{TRIAL} 'b'", f"{PUBLIC} 'c'"]),
        ([0, 1, 2], {}, [TRIAL], [f"{TRIAL} 'a'", f"{TRIAL} 'b'", f"{TRIAL} 'c'"]),
        (
            [1],
            {TRIAL: [NotServed("gone")]},
            [TRIAL, "ForgetTrial", PUBLIC, PUBLIC],
            [f"{PUBLIC} 'a'", f"{PUBLIC} 'b'", f"{PUBLIC} 'c'"],
        ),
        (
            [1],
            {TRIAL: [QueueFull("busy")], PUBLIC: [Unavailable("away")]},
            [TRIAL, "Pause", TRIAL, PUBLIC, "Pause", PUBLIC],
            [f"{PUBLIC} 'a'", f"{TRIAL} 'b'", f"{PUBLIC} 'c'"],
        ),
    ],
)
def test_rows_go_to_their_release_and_come_back_in_order(
    trial: list[int], errors: dict[str, list[TandemError]], said: list[str], came: list[str]
) -> None:
    steps = exchange(PATIENT).routed(ask, QUERIES)
    assert carry_out(steps, trial=trial, errors=errors) == (["FindTrial", *said], came)


def test_a_request_is_sent_again_as_often_as_the_policy_says() -> None:
    call = ask(QUERIES[:1])
    busy = [QueueFull("busy") for _ in range(3)]
    said, came = carry_out(exchange(PATIENT).plain(call), trial=[], errors={PUBLIC: list(busy)})
    assert said == [PUBLIC, "Pause", PUBLIC, "Pause", PUBLIC]
    assert came is busy[2]
    assert carry_out(exchange().plain(call), trial=[], errors={PUBLIC: list(busy)}) == ([PUBLIC], busy[0])


def test_who_gets_no_answer_after_a_refusal_is_told_both() -> None:
    errors: list[TandemError] = [QueueFull("busy"), Timeout("late")]
    _, came = carry_out(exchange(PATIENT).plain(ask(QUERIES[:1])), trial=[], errors={PUBLIC: errors})
    assert isinstance(came, Timeout)
    assert re.fullmatch(r"no answer from grpc://localhost:1 within \S+ s; the attempt before: busy", str(came))


def test_who_asks_the_trial_alone_is_told_that_there_is_none() -> None:
    steps = exchange(PATIENT, "only").routed(ask, QUERIES)
    said, came = carry_out(steps, trial=[0, 1, 2], errors={TRIAL: [NotServed("gone")]})
    assert said == ["FindTrial", TRIAL]
    assert isinstance(came, NoCanary)
    assert "no release is on trial at grpc://localhost:1" in str(came)


@pytest.mark.parametrize(
    ("url", "timeout_s", "canary", "kind"),
    [
        ("localhost", 1.0, "auto", BadUrl),
        ("grpc://a:1", 0.0, "auto", BadSetting),
        ("grpc://a:1", 1.0, "often", BadSetting),
    ],
)
def test_settings_are_checked_when_they_are_made(
    url: str, timeout_s: float, canary: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        Exchange.of(url, timeout_s, None, canary)
