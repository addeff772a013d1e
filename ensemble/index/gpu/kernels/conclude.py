"""What is known of a query after its first round, in one row of numbers."""

from __future__ import annotations

import triton
import triton.language as tl

# Numbers that are looked at at a time.
BLOCK = 4_096
WARPS = 8
UNSPECIALIZED = ("found", "size", "bin_count", "scores_stride", "places_stride", "packed_stride")
# Below its last score by more than float32 can be off, as are the maxima.
_ROUNDING = tl.constexpr(2.0**-22)
_TINY = tl.constexpr(1e-37)


@triton.jit(do_not_specialize=UNSPECIALIZED)
def conclude(  # noqa: PLR0913, PLR0917
    scores: tl.tensor,
    places: tl.tensor,
    chosen: tl.tensor,
    maxima: tl.tensor,
    counts: tl.tensor,
    usable: tl.tensor,
    packed: tl.tensor,
    found: tl.tensor,
    size: tl.tensor,
    bin_count: tl.tensor,
    scores_stride: tl.tensor,
    places_stride: tl.tensor,
    packed_stride: tl.tensor,
    BLOCK: tl.constexpr,  # noqa: N803
) -> None:
    """Write scores, places, whether the query is usable, and how many bins it needs; one program a query.

    It needs none but those that were chosen where their least maximum is below the last score wanted, or no place of
    the others passes. Else it needs all whose maximum is not below, and these are counted.

    Args:
        scores: ``(batch, found)`` float64, descending; -inf where no more places pass.
        places: ``(batch, found)`` int64.
        chosen: ``(batch, size)`` float32: the highest maxima.
        maxima: ``(batch, bins)`` float32.
        counts: ``(batch,)`` int64: how many places each query wants.
        usable: ``(batch,)`` int32.
        packed: ``(batch, 2 * found + 2)`` float64: scores, places, 1 or 0, and how many bins; 0 for no more.
        found: How many scores.
        size: How many bins were chosen.
        bin_count: How many there are.
        scores_stride: Scores from one query to the next.
        places_stride: Places from one query to the next.
        packed_stride: Numbers from one query to the next.
        BLOCK: Numbers that are looked at at a time.
    """
    query = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    scores += query * scores_stride
    places += query * places_stride
    packed += query * packed_stride
    for start in tl.range(0, found, BLOCK):
        here = start + at
        tl.store(packed + here, tl.load(scores + here, mask=here < found), mask=here < found)
        place = tl.load(places + here, mask=here < found)
        tl.store(packed + found + here, place.to(tl.float64), mask=here < found)
    least = tl.full([], float("inf"), tl.float32)
    for start in tl.range(0, size, BLOCK):
        here = start + at
        held = tl.load(chosen + query * size + here, mask=here < size, other=float("inf"))
        least = tl.minimum(least, tl.min(held, axis=0))
    wanted = tl.load(counts + query)
    last = tl.load(scores + tl.maximum(wanted - 1, 0), mask=wanted <= found, other=float("-inf"))
    bound = (last - (tl.abs(last) * _ROUNDING + _TINY)).to(tl.float32)
    is_proven = (least < bound) | (least == float("-inf")) | (size == bin_count)
    end = tl.where(is_proven, 0, bin_count)
    needed = tl.zeros([BLOCK], tl.int32)
    for start in tl.range(0, end, BLOCK):
        here = start + at
        held = tl.load(maxima + query * bin_count + here, mask=here < bin_count, other=float("-inf"))
        needed += ((held >= bound) & (here < bin_count)).to(tl.int32)
    tl.store(packed + 2 * found, tl.load(usable + query).to(tl.float64))
    tl.store(packed + 2 * found + 1, tl.sum(needed, axis=0).to(tl.float64))
