"""Queries made ready for the tensor cores: as two numbers of half precision each, with a bound of what is lost."""

from __future__ import annotations

import triton
import triton.language as tl

# A query is multiplied by the power of two that brings its largest value between 2**14 and 2**15, just below what half
# precision holds: then its rest is not lost among the subnormal numbers.
_TOP = tl.constexpr(14)
_BIAS = tl.constexpr(127)
# Where the largest value is below 2**-112, its factor's inverse must still be a normal number.
_MOST = tl.constexpr(253)
# The halves together are longer than the query by less than a thousandth, and what is summed in float32 is off by less.
_SLACK = tl.constexpr(1.002)


@triton.jit(do_not_specialize=["batch", "row_dim", "dim", "longest", "gamma", "spread"])
def prepare(  # noqa: PLR0913, PLR0917
    queries: tl.tensor,
    halves: tl.tensor,
    units: tl.tensor,
    spreads: tl.tensor,
    errors: tl.tensor,
    usable: tl.tensor,
    batch: tl.tensor,
    row_dim: tl.tensor,
    dim: tl.tensor,
    longest: tl.tensor,
    gamma: tl.tensor,
    spread: tl.tensor,
    BLOCK: tl.constexpr,  # noqa: N803
    HALVES: tl.constexpr,  # noqa: N803
) -> None:
    """Split queries into halves; one program a query.

    Args:
        queries: ``(batch, row_dim)`` float32.
        halves: ``(programs, HALVES, dim)`` float16: ``queries / units``, and what that lacks; zeros after the batch.
        units: ``(programs,)`` float32 powers of two.
        spreads: ``(programs,)`` float32: ``spread`` times the norm.
        errors: ``(programs,)`` float32: times a row's norm, how far its score in the scan may be from the true one, see
            ``gpu/bound.py``.
        usable: ``(programs,)`` int32: 0 where a query holds NaN or infinity, or is longer than ``longest``.
        batch: How many queries.
        row_dim: Length of a query.
        dim: Length of the rows on the device, which end in zeros.
        longest: The largest norm of a query. What is larger is taken as 0, so that no score overflows.
        gamma: Relative error of a sum on the tensor cores.
        spread: How many norms an int8 row's score is raised by, over its scale.
        BLOCK: Power of two of at least ``dim``.
        HALVES: 1 or 2.
    """
    number = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    end = tl.where(number < batch, row_dim, 0)
    query = tl.load(queries + number.to(tl.int64) * row_dim + at, mask=at < end, other=0.0)
    is_short = tl.abs(query) <= longest
    query = tl.where(is_short, query, 0.0)
    exponent = tl.max(tl.abs(query), axis=0).to(tl.int32, bitcast=True) >> 23
    factor = tl.minimum(-exponent + (_TOP + 2 * _BIAS), _MOST)
    unit = ((-factor + 2 * _BIAS) << 23).to(tl.float32, bitcast=True)
    scaled = query * (factor << 23).to(tl.float32, bitcast=True)
    rest = scaled
    for half in tl.static_range(HALVES):
        part = rest.to(tl.float16)
        place = (number * HALVES + half) * dim + at
        tl.store(halves + place, part, mask=at < dim)
        rest -= part.to(tl.float32)
    norm = tl.sqrt(tl.sum(scaled * scaled, axis=0)) * unit
    lost = tl.sqrt(tl.sum(rest * rest, axis=0)) * unit
    tl.store(units + number, unit)
    tl.store(spreads + number, spread * norm)
    tl.store(errors + number, (gamma * norm + lost) * _SLACK)
    tl.store(usable + number, tl.where(norm <= longest, tl.min(is_short.to(tl.int32), axis=0), 0))
