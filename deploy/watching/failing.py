"""Bounds on failures: of callers' requests, and of questions with known answers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.watching.binomial import surely_above
from deploy.watching.breach import Breach, Context, breach
from deploy.watching.excuses import load_is_known, sure_trouble, trouble
from deploy.watching.observing import Readings


def failed_requests(readings: Readings, context: Context) -> Iterator[Breach]:
    """Whether surely more requests fail than are allowed, and than fail with the other release.

    Requests that a full queue refused are failures. Triton does not tell callers' mistakes from the server's own in
    full: what nobody vouches for is excused as long as every question is answered.
    """
    traffic, allowed = readings.traffic, context.bounds.error_rate
    if traffic is None or not surely_above(traffic.unanswered, traffic.requests, allowed):
        return
    told = f"{traffic.error_rate:.2%} of {traffic.requests:,} requests failed (error_rate {allowed:.2%})"
    before = None if context.other is None else context.other.traffic
    theirs = 0.0 if before is None else before.error_rate
    if context.other is not None and before is not None:
        same = f"{theirs:.2%} of {before.requests:,} failed {context.when} with release {context.other.release}"
        if not surely_above(traffic.unanswered, traffic.requests, min(1.0, allowed + theirs)):
            yield breach("error_rate", readings, told, same)
            return
        told = f"{told}, {same}"
    surely_its_own = surely_above(traffic.faults, traffic.requests, min(1.0, allowed + theirs))
    sound = "every question with a known answer is answered: requests that are wrong fail with any release"
    excuse = sound if readings.sound and not surely_its_own else None
    yield breach("error_rate", readings, told, excuse or trouble(readings, context))


def failed_questions(readings: Readings, context: Context) -> Iterator[Breach]:
    """Whether surely more questions fail than are allowed, and than fail with the other release.

    A release that hangs ends no request, so that nothing else tells of it.
    """
    allowed = context.bounds.question_failures
    # A queue may be full for the number of requests: where that is not known, only other failures are held against it.
    refused = readings.refused if load_is_known(readings, context) else 0
    failed, asked = readings.failed + refused, readings.answered + readings.failed + refused
    if not asked or not surely_above(failed, asked, allowed):
        return
    told = f"{failed} of {asked} questions with known answers were not answered (question_failures {allowed:.2%})"
    other, same = context.other, None
    if other is not None and other.asked:
        theirs = (other.failed + other.refused) / other.asked
        if not surely_above(failed, asked, min(1.0, allowed + theirs)):
            same = f"{theirs:.2%} of {other.asked} were not answered {context.when} by release {other.release}"
    yield breach("question_failures", readings, told, same or sure_trouble(readings, context))
