"""Checks on the content of recommendations."""

from __future__ import annotations

from collections.abc import Sequence

from clients import Hit, Recommendations
from loadtest.answers import Row, Seen, check_products, one_release
from loadtest.errors import EmptyAnswer, TooFew, Unwanted, WrongRule
from loadtest.traffic.filters import holds

FALLBACKS = ("similar", "popular")
"""Rules that may stand in for a task, where the answer says why."""


def check_recommendations(answers: Sequence[Recommendations], rows: Sequence[Row]) -> Seen:
    """Check one answer, row by row.

    Raises:
        WrongAnswer: The first check that it does not pass.
    """
    release = one_release([answer.release for answer in answers], rows)
    for answer, row in zip(answers, rows, strict=True):
        _check_row(answer, row)
    return Seen(release)


def _check_row(answer: Recommendations, row: Row) -> None:
    hits = answer.hits
    if len(hits) < row.k and not answer.reason:
        raise (TooFew if hits else EmptyAnswer)(f"{len(hits)} of {row.k} products, and no reason")
    check_products(hits, row)
    if own := [hit.id for hit in hits if hit.id in row.unwanted]:
        raise Unwanted(f"recommends {', '.join(own)}, which was asked about or seen")
    allowed = (row.task, *FALLBACKS) if answer.reason else (row.task,)
    for hit in hits:
        _check_rule(hit, allowed)


def _check_rule(hit: Hit, allowed: Sequence[str]) -> None:
    name, _, detail = hit.rule.partition(":")
    if name not in allowed:
        raise WrongRule(f"{hit.id} by {hit.rule!r}; allowed here: {', '.join(allowed)}")
    if name in ("complement", "popular") and detail and not holds({"under": ["category", detail]}, hit):
        raise WrongRule(f"{hit.id} by {hit.rule!r}, but its category is {hit.category!r}")
