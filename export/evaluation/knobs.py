"""What a request's ``NEAREST`` and ``SKIP`` do to ``inspire``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from export.evaluation.bootstrap import plain
from export.evaluation.goals import ours
from export.evaluation.measuring import DIVERSITY, RECALL, Judge, Measured
from export.evaluation.questions import INSPIRE, SIMILAR, Question
from export.evaluation.served import Served
from export.evaluation.shop import ALL

NEAREST, SKIP = (1, 3, 10), (0, 1, 3, 10)
QUESTIONS = 400
SEED = 7


@dataclass(frozen=True)
class Knobbed:
    """``inspire`` with some values of its knobs, or ``similar`` with none.

    Args:
        nearest: Clusters that are asked.
        skip: Nearer clusters that are left out.
        recall: Of the next basket, at 10.
        low: Lower end of its 95 % interval.
        high: Upper end.
        diversity: Of the first ten.
        questions: How many there were.
    """

    nearest: int
    skip: int
    recall: float
    low: float
    high: float
    diversity: float
    questions: int

    def row(self) -> dict[str, Any]:
        """As plain JSON; what is not a number is null."""
        return {name: plain(value) if isinstance(value, float) else value for name, value in asdict(self).items()}


def turned(
    inspire: Served, similar: Served, questions: Sequence[Question], judge: Judge
) -> tuple[list[Knobbed], Knobbed]:
    """Every pair of values, on a sample of the questions, and ``similar`` on the same.

    Args:
        inspire: The profile.
        similar: What it is compared with.
        questions: To draw the sample from.
        judge: Asks them.
    """
    count = min(QUESTIONS, len(questions))
    drawn = np.random.default_rng(SEED).choice(len(questions), count, replace=False)
    sample = [questions[at] for at in sorted(drawn.tolist())]
    found = []
    for skip in SKIP:
        for nearest in NEAREST:
            asked = replace(inspire, name=ours(INSPIRE), knobs=(("NEAREST", nearest), ("SKIP", skip)))
            found.append(_knobbed(judge.measured(INSPIRE, ALL, asked, sample), nearest, skip))
    return found, _knobbed(judge.measured(INSPIRE, ALL, replace(similar, name=ours(SIMILAR)), sample), 0, 0)


def _knobbed(measured: Measured, nearest: int, skip: int) -> Knobbed:
    recall, mixed = measured.figures[RECALL], measured.figures[DIVERSITY]
    return Knobbed(nearest, skip, recall.value, recall.low, recall.high, mixed.value, measured.questions)
