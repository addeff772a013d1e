"""What a release answers, learnt from the server while that release alone is live.

With the references of two releases, an answer that is made of both (the towers of one, the index of the other) shows:
it names one release, but its scores are not those of that release.
"""

from __future__ import annotations

from collections.abc import Iterable

from clients import Answer, Client
from loadtest.answers import Reference
from loadtest.arrivals.prepared import References
from loadtest.traffic.requests import Traffic

TIMEOUT_S = 30.0


def learn(url: str, traffic: Traffic, numbers: Iterable[int]) -> References:
    """Ask some searches of one row, one after the other, and note what the live release answers.

    Args:
        url: ``grpc://host:port`` or ``http://host:port``.
        traffic: Makes the requests.
        numbers: Which of them; writes and requests of several rows are left out, and recommendations, all of which one
            process makes.

    Raises:
        TandemError: The server failed; see `clients.errors`.
    """
    found: dict[int, dict[int, Reference]] = {}
    with Client(url, timeout_s=TIMEOUT_S) as client:
        for number in sorted(set(numbers)):
            asked = traffic.make(number)
            if len(asked.rows) == 1:
                (answer,) = client.run(asked.call)
                if isinstance(answer, Answer):
                    found[number] = {answer.release: {result.id: result.score for result in answer.results}}
    return found


def join(*learnt: References) -> References:
    """The references of several releases as one."""
    numbers = dict.fromkeys(number for one in learnt for number in one)
    return {
        number: {release: told for one in learnt for release, told in one.get(number, {}).items()} for number in numbers
    }
