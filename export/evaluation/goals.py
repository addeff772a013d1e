"""What the recommender is to reach, and whether it did: compared with other models on the same questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from export.evaluation.baselines.table import FROZEN, IN_CATEGORY
from export.evaluation.bootstrap import SEED, Interval, plain, ratio_apart
from export.evaluation.measuring import DIVERSITY, RECALL, Measured
from export.evaluation.questions import COMPLEMENT, INSPIRE, SIMILAR
from export.evaluation.shop import ALL, COLD

OURS = "tandem"
OVER_FROZEN, OVER_POPULAR, OVER_OTHERS, MORE_DIVERSE, KEPT_RECALL = 1.5, 1.0, 1.0, 1.5, 0.7


@dataclass(frozen=True)
class Goal:
    """One target.

    Args:
        task: Of the questions.
        slice: Of the questions.
        figure: What is compared.
        model: Whose.
        other: With whose.
        ratio: The one over the other, with the interval of paired resamples where both had the same questions.
        bound: What the ratio must reach; 1 must be exceeded.
        other_task: Of the other's questions; empty for the same.
    """

    task: str
    slice: str
    figure: str
    model: str
    other: str
    ratio: Interval
    bound: float
    other_task: str = ""

    @property
    def reached(self) -> bool:
        """Whether the figure itself is there; the interval tells how sure that is."""
        return self.ratio.value > self.bound if self.bound == 1 else self.ratio.value >= self.bound

    def row(self) -> dict[str, Any]:
        """As plain JSON; a ratio to nothing, and an end of it that is not known, are null."""
        ratio = {name: plain(value) for name, value in asdict(self.ratio).items()}
        return asdict(self) | {"ratio": ratio, "reached": self.reached}


def ours(task: str) -> str:
    """What a profile of the recommender is called in the table."""
    return f"{OURS}-{task}"


def goals(measured: Sequence[Measured], resamples: int) -> list[Goal]:
    """All targets that the figures can tell of."""
    known = {(one.task, one.slice, one.model): one for one in measured}
    found = []
    for task, part, figure, model, other, bound in _asked(measured):
        one, two = known.get((task, part, model)), known.get((task, part, other))
        if one is not None and two is not None:
            ratio = one.draws(resamples).ratio(one.values[figure], two.values[figure])
            found.append(Goal(task, part, figure, model, other, ratio, bound))
    return found + _on_their_own(known, resamples)


def _on_their_own(known: Mapping[tuple[str, str, str], Measured], resamples: int) -> list[Goal]:
    """How mixed ``inspire`` is beside ``similar`` as that is served: each on the questions of its own task."""
    one, two = known.get((INSPIRE, ALL, ours(INSPIRE))), known.get((SIMILAR, ALL, ours(SIMILAR)))
    if one is None or two is None:
        return []
    draws = one.draws(resamples), two.draws(resamples, SEED + 1)
    ratio = ratio_apart(draws[0], one.values[DIVERSITY], draws[1], two.values[DIVERSITY])
    return [Goal(INSPIRE, ALL, DIVERSITY, one.model, two.model, ratio, MORE_DIVERSE, SIMILAR)]


def _asked(measured: Sequence[Measured]) -> Iterator[tuple[str, str, str, str, str, float]]:
    for task in (SIMILAR, COMPLEMENT):
        yield task, ALL, RECALL, ours(task), FROZEN, OVER_FROZEN
        yield task, ALL, RECALL, ours(task), IN_CATEGORY, OVER_POPULAR
    for task in (SIMILAR, COMPLEMENT):
        best = _best_baseline(measured, task)
        if best is not None:
            yield task, COLD, RECALL, ours(task), best, OVER_OTHERS
    yield INSPIRE, ALL, DIVERSITY, ours(INSPIRE), ours(SIMILAR), MORE_DIVERSE
    yield INSPIRE, ALL, RECALL, ours(INSPIRE), ours(SIMILAR), KEPT_RECALL


def _best_baseline(measured: Sequence[Measured], task: str) -> str | None:
    """The baseline with the highest recall on the cold slice, of those that answer at all."""
    cold = [one for one in measured if (one.task, one.slice) == (task, COLD) and not one.model.startswith(OURS)]
    answering = [one for one in cold if one.answered > 0]
    return max(answering, key=lambda one: one.figures[RECALL].value).model if answering else None
