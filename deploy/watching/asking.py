"""Asks questions with known answers, a few a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from clients import Answer, BadInput, Query, QueueFull, TandemError
from clients.canary import unloaded
from deploy.watching.questions import Question

AMONG = 10
# As many are looked for again, to see whether they are in the catalogue at all.
_MOST_MISSING = 50
_SHOWN = 3

Outcome = Literal["answered", "refused", "failed", "gone"]


class Searches(Protocol):
    """What is asked."""

    def search(self, query: Query) -> Answer:
        """The answer of one query; raises a ``TandemError``."""


@dataclass(frozen=True)
class Reply:
    """What came of a question.

    Args:
        outcome: ``refused`` by a full queue; ``gone``: nobody answers by this name any more.
        release: The release that answered; None for none.
        share: Of the right products, at most ten, those among the first ten; None where none of them is in the
            catalogue any more.
        told: What is wrong with the answer, without the text that was asked; empty for nothing.
    """

    outcome: Outcome
    release: int | None = None
    share: float | None = None
    told: str = ""


def ask(client: Searches, question: Question) -> Reply:
    """Ask one question, and see how many of the right products are found.

    Right products that are missing are looked for by their ids: those that were deleted since are none.
    """
    try:
        answer = _search(client, question, AMONG)
        found = {result.id for result in answer.results} & set(question.products)
        wanted = set(question.products)
        if len(found) < min(AMONG, len(wanted)):
            missing = [name for name in question.products if name not in found][:_MOST_MISSING]
            wanted = found | _present(client, question, missing)
    except TandemError as error:
        outcome: Outcome = "gone" if unloaded(error) else "refused" if isinstance(error, QueueFull) else "failed"
        return Reply(outcome, told=f"{question.label}: {type(error).__name__}")
    if not wanted:
        return Reply("answered", answer.release)
    share = min(1.0, len(found) / min(AMONG, len(wanted)))
    return Reply("answered", answer.release, share, "" if share == 1.0 else _told(question, answer, wanted - found))


def _search(client: Searches, question: Question, k: int, filter: dict[str, object] | None = None) -> Answer:  # noqa: A002 -- the field's own word
    return client.search(Query(text=question.text, image=question.image, k=k, filter=filter))


def _present(client: Searches, question: Question, missing: list[str]) -> set[str]:
    """Those of some products that can be found at all."""
    try:
        answer = _search(client, question, len(missing), {"in": ["id", missing]})
    except BadInput:
        return set(missing)
    return {result.id for result in answer.results}


def _told(question: Question, answer: Answer, missed: set[str]) -> str:
    found = ", ".join(result.id for result in answer.results[:_SHOWN]) or "nothing"
    right = ", ".join(sorted(missed)[:_SHOWN])
    return f"{question.label} finds {found}, ..., and not {right}"
