"""Programs of few plain numbers, one a filter, which a kernel runs at every place.

A program is in postfix order, over a stack of truth values. A comparison asks whether a value lies in one of some
closed intervals: a number, a flag, the code of a word, or the place itself, for ids. A value that is missing is NaN,
which lies in none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

# The stack is the bits of one int32. A filter may be nested 16 deep, and each level holds one value more at most.
MAX_STACK = 32
# In place of a column's number: the place itself is compared.
PLACE = -1
# Numbers a step has.
STEP = 4

Bounds = NDArray[np.float64]
Interval = tuple[float, float]


class Code(IntEnum):
    """What a step does."""

    WITHIN = 0
    """Push whether the value of a column lies in one interval."""
    AMONG = 1
    """Push whether it lies in one of several, which ascend and do not touch."""
    AND = 2
    """Replace the two values on top by whether both are true."""
    OR = 3
    """Replace the two values on top by whether one is true."""
    NOT = 4
    """Replace the value on top by its opposite."""


GROWTH: dict[int, int] = {Code.WITHIN: 1, Code.AMONG: 1, Code.AND: -1, Code.OR: -1, Code.NOT: 0}


@dataclass(frozen=True)
class Program:
    """One filter.

    Args:
        steps: ``(steps, 4)`` int32: ``Code``, number of the column, first interval, intervals; all 0 but the code where
            nothing is compared.
        bounds: ``(intervals, 2)`` float64: the least and the most of each, both included.

    Raises:
        ValueError: The stack would not fit, or does not end with one value.
    """

    steps: NDArray[np.int32]
    bounds: Bounds

    def __post_init__(self) -> None:
        heights = list(accumulate(GROWTH[code] for code in self.steps[:, 0].tolist()))
        if not heights or heights[-1] != 1 or min(heights) < 1 or max(heights) > MAX_STACK:
            raise ValueError(f"steps: a stack of 1 to {MAX_STACK} values, 1 in the end, is allowed, got {heights}")


@dataclass(frozen=True)
class Programs:
    """Several programs, as the kernel takes them.

    Args:
        steps: ``(steps, 4)`` int32 of all; first intervals are numbers in ``bounds`` here.
        starts: ``(programs + 1,)`` int32: where each begins in ``steps``, and where the last ends.
        bounds: ``(intervals, 2)`` float64 of all.
    """

    steps: NDArray[np.int32]
    starts: NDArray[np.int32]
    bounds: Bounds

    @classmethod
    def of(cls, programs: Sequence[Program]) -> Programs:
        """Put programs side by side, one or more."""
        lengths = [len(program.steps) for program in programs]
        shifts = np.cumsum([0, *(len(program.bounds) for program in programs)])[:-1]
        steps = np.concatenate([program.steps for program in programs])
        steps[:, 2] += np.repeat(shifts, lengths).astype(np.int32)
        starts = np.cumsum([0, *lengths]).astype(np.int32)
        return cls(steps, starts, np.concatenate([program.bounds for program in programs]))


class Writer:
    """Writes a program, step by step."""

    def __init__(self) -> None:
        self._steps: list[tuple[int, int, int, int]] = []
        self._bounds: list[Interval] = []

    def compare(self, column: int, bounds: Sequence[Interval]) -> None:
        """Push whether the value of a column lies in one of some intervals, one or more."""
        code = Code.WITHIN if len(bounds) == 1 else Code.AMONG
        self._steps.append((code, column, len(self._bounds), len(bounds)))
        self._bounds.extend(bounds)

    def combine(self, code: Code) -> None:
        """Work on the values on top: ``AND``, ``OR`` or ``NOT``."""
        self._steps.append((code, 0, 0, 0))

    def program(self) -> Program:
        """What was written.

        Raises:
            ValueError: The stack would not fit, or does not end with one value.
        """
        return Program(np.array(self._steps, np.int32).reshape(-1, STEP), np.array(self._bounds).reshape(-1, 2))
