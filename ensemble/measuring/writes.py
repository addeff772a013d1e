"""What came of writes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Literal

from ensemble.errors import InvalidInput, Unavailable
from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import WRITES
from ensemble.serving import Tensors

log = logging.getLogger(__name__)

TROUBLES = ("refused", "unavailable", "failed")
OUTCOMES = ("done", *TROUBLES)

Operation = Literal["commit", "patch", "delete"]
Answers = Sequence[Tensors | Exception]
Answer = Callable[[Sequence[Tensors]], Answers]


def counted(answer: Answer, board: Board, operation: Operation) -> Answer:
    """The same, with every row of a request counted by what came of it.

    What was written stays written, and is answered, whatever happens to the count; the log tells it once.

    Args:
        answer: From the inputs of each request to its outputs, or why it was refused.
        board: Where to.
        operation: What it does.
    """
    troubled = False
    # From zero on: Prometheus sees no rise in a series that begins with it.
    board.add({_series(operation, outcome): 0.0 for outcome in OUTCOMES})

    @wraps(answer)
    def counting(requests: Sequence[Tensors]) -> Answers:
        nonlocal troubled
        answers = answer(requests)
        try:
            board.add(_rows(operation, requests, answers))
        except Exception:
            if not troubled:
                log.exception("a write cannot be counted; going on")
            troubled = True
        return answers

    return counting


def _rows(operation: Operation, requests: Sequence[Tensors], answers: Answers) -> Counter[Series]:
    rows = Counter[Series]()
    for request, told in zip(requests, answers, strict=True):
        rows[_series(operation, outcome_of(told))] += len(next(iter(request.values()), ()))
    return rows


def _series(operation: Operation, outcome: str) -> Series:
    return Series(WRITES, (("operation", operation), ("outcome", outcome)))


def outcome_of(answer: object) -> str:
    """``done``; ``refused``: the caller's mistake; ``unavailable``: ask again; ``failed``: a mistake of ours."""
    match answer:
        case InvalidInput():
            return "refused"
        case Unavailable():
            return "unavailable"
        case Exception():
            return "failed"
    return "done"
