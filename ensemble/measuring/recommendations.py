"""What was recommended, by which rules, and what the recommender's index is."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import BATCH, RECOMMENDATIONS, RECOMMENDED
from ensemble.measuring.meter import Meter
from ensemble.measuring.searches import gauges_of
from ensemble.measuring.writes import TROUBLES, outcome_of
from ensemble.tasks import Answered, Recommended, Recommender

log = logging.getLogger(__name__)

RULES = ("similar", "complement", "inspire", "popular")
RESULTS = ("full", "reason", "none")
UNKNOWN = "unknown"


class RecommendationMeter:
    """Counts rows by profile and result, and what they were given by the rule that found it.

    Args:
        recommender: Whose answers.
        board: Where to.
    """

    def __init__(self, recommender: Recommender, board: Board) -> None:
        self._recommender, self._board, self._troubled = recommender, board, False
        profiles = recommender.shop.profiles.by_name
        # From zero on: Prometheus sees no rise in a series that begins with it.
        board.add({_answered(*each): 0.0 for each in (*product(profiles, RESULTS), *product((UNKNOWN,), TROUBLES))})
        board.add({_recommended(*each): 0.0 for each in product(profiles, RULES)})

    def answered(self, requests: Sequence[Mapping[str, Any]], answers: Sequence[Answered]) -> None:
        """Count the requests of one batch; a mistake here is logged once, and harms no request.

        Args:
            requests: The inputs of each.
            answers: What is recommended, or why it was refused.
        """
        try:
            self._count(requests, answers)
        except Exception:
            if not self._troubled:
                log.exception("recommendations cannot be counted; going on")
            self._troubled = True

    def look(self, board: Board) -> None:
        """Put on a board what the index is now."""
        board.set(gauges_of(self._recommender.source))

    def _count(self, requests: Sequence[Mapping[str, Any]], answers: Sequence[Answered]) -> None:
        seen = Counter[Series]()
        rows = 0
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Recommended):
                rows += len(answer.profiles)
                seen.update(_series_of(answer))
            else:
                refused = len(next(iter(request.values()), ()))
                rows += refused
                seen[_answered(UNKNOWN, outcome_of(answer))] += refused
        self._board.add(dict(seen))
        self._board.observe(BATCH, [rows])


def measure_recommendations(
    pb_utils: Any, args: Mapping[str, str], recommender: Recommender
) -> tuple[RecommendationMeter, Meter]:
    """What counts a recommender's answers, and what tells Triton of them and of the index.

    Args:
        pb_utils: Triton's module.
        args: What Triton hands to ``initialize``.
        recommender: Whose answers.
    """
    board = Board()
    meter = RecommendationMeter(recommender, board)
    return meter, Meter(pb_utils, args, board=board, look=meter.look, histograms=(BATCH,))


def _series_of(answer: Recommended) -> Counter[Series]:
    seen = Counter[Series]()
    for profile, rules, reason in zip(answer.profiles, answer.rules, answer.reasons, strict=True):
        seen[_answered(profile, "none" if not rules else "reason" if reason else "full")] += 1
        seen.update(_recommended(profile, rule.partition(":")[0]) for rule in rules)
    return seen


def _answered(profile: str, result: str) -> Series:
    return Series(RECOMMENDATIONS, (("profile", profile), ("result", result)))


def _recommended(profile: str, rule: str) -> Series:
    return Series(RECOMMENDED, (("profile", profile), ("rule", rule)))
