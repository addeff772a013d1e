"""Tickets and the 64-bit words that stand for them. Pure.

A word is ``milliseconds << 23 | weight << 16 | generation``, 0 where nothing is under way. A ticket is
``generation << 14 | slot``, so that one is no key to its slot any more once that was given to another.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Processes that may take tickets at once, and slots of each: five a release, two releases, and some that end.
OWNERS, SLOTS = 32, 512
ALL_SLOTS = OWNERS * SLOTS
# What was lost on the way, as by a step that failed or a call that was cancelled, frees itself after so long: some
# times what a request takes in a full server. Longer, and a few that are lost would close the gate.
LEAK_S = 1.0
NO_TICKET = -1

_SLOT_BITS, _GENERATION_BITS, _WEIGHT_BITS = 14, 16, 7
GENERATIONS = 1 << _GENERATION_BITS
MOST_WEIGHT = (1 << _WEIGHT_BITS) - 1
_TIME_SHIFT = _GENERATION_BITS + _WEIGHT_BITS
_MS_NS = 1_000_000

Words = NDArray[np.int64]


def word_of(now_ns: int, weight: int, generation: int) -> int:
    """The word of a ticket that is taken now."""
    return (now_ns // _MS_NS) << _TIME_SHIFT | weight << _GENERATION_BITS | generation


def oldest(now_ns: int, leak_s: float = LEAK_S) -> int:
    """The least word that is not lost."""
    return max(1, now_ns // _MS_NS - round(leak_s * 1000)) << _TIME_SHIFT


def weight_under_way(words: Words, now_ns: int, leak_s: float = LEAK_S) -> int:
    """Sum of the weights of all tickets that are not given back, and were taken in the last ``leak_s`` seconds."""
    held = words[words >= oldest(now_ns, leak_s)]
    return int((held >> _GENERATION_BITS & MOST_WEIGHT).sum())


def ticket_of(slot: int, generation: int) -> int:
    """A ticket: below 2**30, so that it fits an INT32 tensor."""
    return generation << _SLOT_BITS | slot


def slot_of(ticket: int) -> int:
    """The slot of a ticket."""
    return ticket & (ALL_SLOTS - 1)


def is_of(ticket: int, word: int) -> bool:
    """Whether a word still stands for a ticket."""
    return word != 0 and word & (GENERATIONS - 1) == ticket >> _SLOT_BITS
