"""Answers one row: its profile's task, then what follows where that gives too few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ensemble.tasks import rules
from ensemble.tasks.asked import Asked
from ensemble.tasks.rounds import Searching
from ensemble.tasks.rules import NoCandidates, Question
from ensemble.tasks.selection import Pick, Selection
from ensemble.tasks.shop import Shop
from ensemble.tasks.stream import Stream
from ensemble.tasks.taste import Taste
from ensemble.tasks.told import named
from ensemble.tasks.view import ROOM, View, joined


@dataclass(frozen=True)
class Recommendation:
    """What one row is answered with.

    Args:
        picks: The products, in the order of the answer.
        reason: Empty where the profile's own task gave all; else what followed, or why there are fewer.
    """

    picks: Sequence[Pick]
    reason: str


def recommend(asked: Asked, shop: Shop, view: View) -> Searching[Recommendation]:
    """Answer a row, asking for searches as it goes.

    Raises:
        InvalidInput: An input does not fit this state of the index; names it.
    """
    taste = Taste.of(asked, view)
    selection = Selection(asked, taste, view)
    question = Question(asked, taste, _filter(asked, view), selection.excluded)
    why: dict[str, str] = {}
    for name in dict.fromkeys((asked.profile.task, *asked.profile.fallback)):
        try:
            turns = _turns(name, question, shop, view)
            while selection.missing and (streams := next(turns, None)):
                yield from selection.fill(streams)
        except NoCandidates as error:
            why[name] = str(error)
    return Recommendation(selection.picks, _reason(asked, taste, selection, why))


def _filter(asked: Asked, view: View) -> bytes:
    """What all products of the answer must pass."""
    profile = asked.profile
    always, size = view.canonical(profile.filter_text, f"TASK {profile.name!r}, its filter")
    given, _ = view.canonical(asked.filter, "FILTER", ROOM.beside(size))
    return joined(always, given)


def _turns(name: str, question: Question, shop: Shop, view: View) -> Iterator[Sequence[Stream]]:
    """The streams of a rule: those that take turns together, as far as they are asked for."""
    if name == "popular":
        yield from ([stream] for stream in rules.popular(question, shop, view))
    elif name == "complement":
        yield rules.complement(question, shop)
    elif name == "inspire":
        yield rules.inspire(question, shop.clusters, view)
    else:
        yield rules.similar(question)


def _reason(asked: Asked, taste: Taste, selection: Selection, why: dict[str, str]) -> str:
    """One sentence; empty where there is nothing to tell."""
    told = []
    if taste.unknown:
        told.append(f"not in the index and left out: {named(taste.unknown)}")
    task = asked.profile.task
    counts = Counter(pick.rule.partition(":")[0] for pick in selection.picks)
    if counts[task] < asked.k:
        told.append(f"{task} gave {counts[task]} of {asked.k}, as {why.get(task, 'no more products pass')}")
        told += [f"{name} gave {count}" for name, count in counts.items() if name != task]
        if selection.missing:
            told += [f"{name} gave none, as {problem}" for name, problem in why.items() if name != task]
            told.append(f"{selection.missing} are missing, as nothing else passes the filter and the profile's rules")
    return "; ".join(told)
