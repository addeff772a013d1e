"""What two releases answer to every request of the traffic, asked while nothing is switched."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from clients import Client
from loadtest.answers import TOLERANCE, Reference
from loadtest.traffic.requests import Traffic

CALLERS = 4

Known = Mapping[int, Mapping[int, Reference]]


def searches(traffic: Traffic) -> range:
    """Numbers of all different searches; the writes come after them."""
    return range(len(traffic) - sum(part.distinct for part in traffic.mix.writes))


def ask_all(url: str, traffic: Traffic, release: int, suffix: str = "") -> dict[int, Reference]:
    """Ask every search of the traffic once.

    Args:
        url: The server.
        traffic: The requests.
        release: Who has to answer.
        suffix: Of the ensembles' names, as ``_canary``.

    Returns:
        By number of the request, the scores of the products that were found.

    Raises:
        ValueError: Another release answered.
    """
    found: dict[int, Reference] = {}
    numbers = iter(searches(traffic))
    lock = threading.Lock()

    def ask() -> None:
        with Client(url) as client:
            for number in _taken(numbers, lock):
                found[number] = ask_one(client, traffic, number, release, suffix)

    with ThreadPoolExecutor(CALLERS) as callers:
        for caller in [callers.submit(ask) for _ in range(CALLERS)]:
            caller.result()
    return found


def ask_one(client: Client, traffic: Traffic, number: int, release: int, suffix: str = "") -> Reference:
    """Ask one search.

    Raises:
        ValueError: Another release answered.
    """
    call = traffic.make(number).call
    (answer,) = client.run(type(call)(call.model + suffix, call.inputs, call.parse))
    if answer.release != release:
        raise ValueError(f"release {answer.release} answered {call.model}{suffix}, {release} should have")
    return {result.id: result.score for result in answer.results}


def both(one: Mapping[int, Reference], first: int, other: Mapping[int, Reference], second: int) -> Known:
    """By number of the request, by number of the release: what it answers."""
    return {number: {first: one[number], second: other[number]} for number in one}


def told_apart(known: Known) -> float:
    """Share of the requests to which the releases answer so differently that one cannot pass for the other."""
    apart = sum(_differ(list(answers.values())) for answers in known.values())
    return apart / max(1, len(known))


def _differ(answers: Sequence[Reference]) -> bool:
    first, second = answers
    return _unlike(first, second) and _unlike(second, first)


def _unlike(answer: Reference, reference: Reference) -> bool:
    """Whether the check of answers, as ``loadtest`` makes it, would notice that ``answer`` is not ``reference``."""
    shared = [name for name in answer if name in reference]
    return not shared or any(abs(answer[name] - reference[name]) > TOLERANCE for name in shared)


def _taken(numbers: Iterator[int], lock: threading.Lock) -> Iterator[int]:
    """Numbers, each for one of the threads that share them."""
    while True:
        with lock:
            number = next(numbers, None)
        if number is None:
            return
        yield number
