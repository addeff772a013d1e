"""Checks on the content of answers: what the server takes for success may still be none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clients import Answer, Result, Written
from loadtest.errors import (
    BadScores,
    EmptyAnswer,
    FilterBroken,
    MixedReleases,
    RepeatedProduct,
    TooMany,
    UnlikeRelease,
    WrongWrite,
)
from loadtest.traffic.filters import Expression, holds

TOLERANCE = 5e-3
"""By so much scores of one release may differ: batches of other sizes round otherwise."""

Reference = Mapping[str, float]
"""Product ids with the scores that a release gives them for one query."""


@dataclass(frozen=True)
class Row:
    """What is known beforehand of one row of an answer.

    Args:
        k: Most products that it may have.
        filter: What all of them must pass; None: anything.
        known: The right products, one of which should be found; empty where nobody knows.
        references: By number of the release, what it answers.
        task: Of a recommendation, the task that its rules are to be of.
        unwanted: Ids that it must not have: what was asked about, or seen.
    """

    k: int
    filter: Expression | None = None
    known: tuple[str, ...] = ()
    references: Mapping[int, Reference] = field(default_factory=dict)
    task: str = ""
    unwanted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What an answer that passed its checks tells.

    Args:
        release: The release that made it; 0 for a write.
        asked: Rows whose right product is known.
        found: How many of these have it.
    """

    release: int = 0
    asked: int = 0
    found: int = 0


def check_answers(answers: Sequence[Answer], rows: Sequence[Row]) -> Seen:
    """Check one answer, row by row.

    Raises:
        WrongAnswer: The first check that it does not pass.
    """
    release = one_release([answer.release for answer in answers], rows)
    for answer, row in zip(answers, rows, strict=True):
        _check_row(answer, row)
    known = [(answer, row) for answer, row in zip(answers, rows, strict=True) if row.known]
    found = sum(any(result.id in row.known for result in answer.results) for answer, row in known)
    return Seen(release, len(known), found)


def one_release(releases: Sequence[int], rows: Sequence[Row]) -> int:
    """The release of an answer's rows.

    Raises:
        TooMany: It has another number of rows.
        MixedReleases: It is of several releases.
    """
    if len(releases) != len(rows):
        raise TooMany(f"{len(releases)} rows, {len(rows)} were asked for")
    if len(set(releases)) > 1:
        raise MixedReleases(f"one answer from the releases {', '.join(map(str, sorted(set(releases))))}")
    return releases[0]


def check_products(results: Sequence[Result], row: Row) -> None:
    """Check what holds for searches and recommendations alike.

    Raises:
        WrongAnswer: The first check that the products do not pass.
    """
    if len(results) > row.k:
        raise TooMany(f"{len(results)} products, {row.k} were asked for")
    scores = [result.score for result in results]
    if not all(map(math.isfinite, scores)):
        raise BadScores(f"not finite: {scores}")
    if len({result.id for result in results}) < len(results):
        raise RepeatedProduct(f"a product twice: {', '.join(result.id for result in results)}")
    for result in results if row.filter is not None else ():
        if not holds(row.filter or {}, result):
            raise FilterBroken(f"{result.id} does not pass {row.filter}")


def check_written(written: Sequence[Written], ids: Sequence[str]) -> Seen:
    """Check that a write tells of the products that were sent.

    Raises:
        WrongWrite: It tells of others.
    """
    told = [one.id for one in written]
    if told != list(ids):
        raise WrongWrite(f"sent {', '.join(ids)}, the answer tells of {', '.join(told)}")
    return Seen()


def _check_row(answer: Answer, row: Row) -> None:
    results = answer.results
    if not results:
        raise EmptyAnswer("an answer without products")
    check_products(results, row)
    scores = [result.score for result in results]
    if any(later > earlier for earlier, later in itertools.pairwise(scores)):
        raise BadScores(f"not in descending order: {scores}")
    if row.references:
        _check_release(answer, row.references.get(answer.release))


def _check_release(answer: Answer, reference: Reference | None) -> None:
    """Hold an answer to what its release answers; products that came or went since are no sign of another release."""
    if reference is None:
        return
    shared = [(result.score, reference[result.id]) for result in answer.results if result.id in reference]
    if not shared or any(abs(score - wanted) > TOLERANCE for score, wanted in shared):
        raise UnlikeRelease(f"says release {answer.release}, but its scores are others: {shared[:3]}")


def row_to_dict(row: Row) -> dict[str, Any]:
    """A row as JSON; a field that says nothing is left out."""
    told: dict[str, Any] = {"k": row.k}
    told |= {} if row.filter is None else {"filter": row.filter}
    told |= {name: value for name in ("known", "task", "unwanted") if (value := getattr(row, name))}
    references = {str(release): dict(one) for release, one in row.references.items()}
    return told | ({"references": references} if references else {})


def row_from_dict(told: Mapping[str, Any]) -> Row:
    """What `row_to_dict` told."""
    references = {int(release): one for release, one in told.get("references", {}).items()}
    known, unwanted = (tuple(told.get(name, ())) for name in ("known", "unwanted"))
    return Row(told["k"], told.get("filter"), known, references, told.get("task", ""), unwanted)
