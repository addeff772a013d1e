"""How scores become a list, by the rules that all models share: no variants, nothing seen, the categories asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.evaluation.metrics import DEPTH, NONE
from export.evaluation.questions import Question
from export.evaluation.shop import Shop

Bools = NDArray[np.bool_]
Codes = NDArray[np.int64]
Scores = NDArray[np.float32]

NEVER = np.float32(-np.inf)


@dataclass(frozen=True)
class Chooser:
    """Takes the best products that a question allows.

    Args:
        shop: The catalogue.
    """

    shop: Shop

    def allowed(self, question: Question) -> Bools:
        """``(products,)`` bool: neither asked about, nor a variant of what is, nor seen."""
        open_ = ~np.isin(self.shop.family, self.shop.family[question.products])
        open_[question.seen] = False
        return open_

    def best(self, scores: Scores, allowed: Bools) -> Codes:
        """The best, one of a family, at most ``DEPTH``; products of equal score in the order of the catalogue.

        Args:
            scores: ``(products,)``; those of ``NEVER`` are not recommended.
            allowed: ``(products,)``.
        """
        places = np.flatnonzero(allowed & (scores > NEVER))
        order = places[np.argsort(-scores[places], kind="stable")]
        _, first = np.unique(self.shop.family[order], return_index=True)
        best: Codes = order[np.sort(first)][:DEPTH]
        return best

    def taking_turns(self, scores: Scores, allowed: Bools, groups: Sequence[Bools]) -> Codes:
        """The best of each group in turn, as ``complement`` serves its categories."""
        lists = [self.best(scores, allowed & group).tolist() for group in groups]
        turns = [one[turn] for turn in range(DEPTH) for one in lists if turn < len(one)]
        chosen: list[int] = []
        families: set[int] = set()
        for place in turns:
            family = int(self.shop.family[place])
            if family not in families:
                families.add(family)
                chosen.append(place)
        return np.array(chosen[:DEPTH], np.int64)


def filled(lists: Sequence[Codes]) -> Codes:
    """``(questions, DEPTH)``, filled up with ``NONE``."""
    table = np.full((len(lists), DEPTH), NONE, np.int64)
    for row, listed in zip(table, lists, strict=True):
        row[: len(listed)] = listed
    return table
