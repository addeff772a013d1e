"""Which bounds a release breaches, and which breaches are not its fault. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from deploy.watching.binomial import surely_below
from deploy.watching.breach import Bound, Breach, Context, breach
from deploy.watching.failing import failed_questions, failed_requests
from deploy.watching.observing import Readings, Recall
from deploy.watching.timing import slow, slower

# Share by which the number of products may change before recall says more of the catalogue than of the release: a right
# product that was found first is beaten by new ones that are as right.
CHANGED = 0.1


def breaches(readings: Readings, context: Context) -> tuple[Breach, ...]:
    """Every bound that the release breaches, those with an excuse among them."""
    return (
        *failed_requests(readings, context),
        *failed_questions(readings, context),
        *slow(readings, context),
        *slower(readings, context),
        *_recall(readings, context),
        *_drift(readings, context),
        *_restarts(readings, context),
    )


def judged(readings: Readings) -> frozenset[Bound]:
    """The bounds that these readings say something of; of the others nothing is known that was not known before."""
    known: set[Bound] = {"restarts"}
    if readings.traffic is not None:
        known.add("error_rate")
    if readings.asked:
        known.add("question_failures")
    if readings.latencies:
        known |= {"p99_ms", "p99_ratio"}
    if readings.recall is not None:
        known.add("recall_drop")
    if readings.drift is not None:
        known.add("drift")
    return frozenset(known)


def _recall(readings: Readings, context: Context) -> Iterator[Breach]:
    drop, recall = context.bounds.recall_drop, readings.recall
    if recall is None or not _fell(recall, drop):
        return
    told = (
        f"release {readings.release}: recall@10 is {recall.mean:.3f} over {recall.asked} questions, and was "
        f"{recall.baseline:.3f} when the release was made (recall_drop {drop:g})"
    )
    other = context.other
    if other is not None and other.recall is not None and _fell(other.recall, drop):
        yield Breach("recall_drop", readings.release, told, f"that of release {other.release} fell {context.when} too")
    elif abs(readings.changed) > CHANGED:
        changed = f"the catalogue has {readings.changed:+.0%} products since it is watched, whatever the release"
        yield Breach("recall_drop", readings.release, told, changed, for_a_person=True)
    else:
        yield Breach("recall_drop", readings.release, told)


def _fell(recall: Recall, drop: float) -> bool:
    return surely_below(math.ceil(recall.found - 1e-9), recall.asked, recall.baseline - drop)


def _drift(readings: Readings, context: Context) -> Iterator[Breach]:
    if readings.drift:
        only_told = 'queries drift whatever the release; `drift` is "tell"'
        yield breach("drift", readings, readings.drift, None if context.bounds.drift == "act" else only_told)


def _restarts(readings: Readings, context: Context) -> Iterator[Breach]:
    most = context.bounds.restarts
    if context.restarts > most:
        told = f"the server had to be restarted {context.restarts} times since the switch (restarts {most})"
        yield breach("restarts", readings, told)
