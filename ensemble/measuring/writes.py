"""What came of writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Literal

from ensemble.errors import InvalidInput, Unavailable
from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import WRITES
from ensemble.serving import Tensors

Operation = Literal["commit", "patch", "delete"]
Answers = Sequence[Tensors | Exception]
Answer = Callable[[Sequence[Tensors]], Answers]


def counted(answer: Answer, board: Board, operation: Operation) -> Answer:
    """The same, with every row of a request counted by what came of it.

    Args:
        answer: From the inputs of each request to its outputs, or why it was refused.
        board: Where to.
        operation: What it does.
    """

    @wraps(answer)
    def counting(requests: Sequence[Tensors]) -> Answers:
        answers = answer(requests)
        rows = Counter[Series]()
        for request, told in zip(requests, answers, strict=True):
            labels = (("operation", operation), ("outcome", outcome_of(told)))
            rows[Series(WRITES, labels)] += len(next(iter(request.values()), ()))
        board.add(rows)
        return answers

    return counting


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
