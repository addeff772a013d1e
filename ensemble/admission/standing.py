"""Which bound holds: the whole one for a burst, a smaller one while a queue stands. Pure.

What is under way above what keeps the processors busy is a queue. A queue that a burst left is gone by itself soon, and
refusing the burst would gain nothing; one that stands only makes all later (Nichols and Jacobson, "Controlling Queue
Delay", ACM Queue 2012; Maurer, "Fail at Scale", ACM Queue 2015, lets bursts use all places and bounds the wait shortly
where the queue was not empty for 100 ms). Here a queue is taken to stand from a refusal on until no request was refused
for 100 ms. "Not empty" is a poorer sign at so few places: one dip by chance, and overload has all places again
(docs/decisions/0006 has the figures).
"""

from __future__ import annotations

# Of 16 places a core a quarter keep the cores busy and batches worth while. With 2 a core, what is refused though the
# cores had time comes again, and a queue stands for minutes at a rate that all places carry.
_SHARE = 4
CALM_NS = 100_000_000
# What takes longer has been lost on the way, or waits for something else: it is no part of the queue that stands.
YOUNG_S = 0.25


def standing(bound: int) -> int:
    """Weight that may be under way where a queue stands: a quarter of the bound, rounded up."""
    return -(-bound // _SHARE)


def limit_of(bound: int, now_ns: int, refused_ns: int) -> int:
    """Weight that may be under way now.

    Args:
        bound: For a burst.
        now_ns: The clock, in nanoseconds.
        refused_ns: When a request was last refused, by the same clock.
    """
    return standing(bound) if now_ns - refused_ns < CALM_NS else bound
