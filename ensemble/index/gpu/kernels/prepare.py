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
# What is summed here in float32 is off by less.
_SLACK = tl.constexpr(1.001)
_TINY = tl.constexpr(1e-37)


@triton.jit(do_not_specialize=["row_dim", "dim", "reach", "gamma", "spread"])
def prepare(  # noqa: PLR0913, PLR0917
    queries: tl.tensor,
    halves: tl.tensor,
    units: tl.tensor,
    spreads: tl.tensor,
    errors: tl.tensor,
    finite: tl.tensor,
    row_dim: tl.tensor,
    dim: tl.tensor,
    reach: tl.tensor,
    gamma: tl.tensor,
    spread: tl.tensor,
    BLOCK: tl.constexpr,  # noqa: N803
    HALVES: tl.constexpr,  # noqa: N803
) -> None:
    """Split queries into halves; one program a query.

    Args:
        queries: ``(batch, row_dim)`` float32.
        halves: ``(batch, HALVES, dim)`` float16: ``queries / units``, and what that lacks.
        units: ``(batch,)`` float32 powers of two.
        spreads: ``(batch,)`` float32: ``spread`` times the norm.
        errors: ``(batch,)`` float32: how far a score of the scan may be from the true one, see ``gpu/bound.py``.
        finite: ``(batch,)`` int32: 0 where a value is NaN or infinite.
        row_dim: Length of a query.
        dim: Length of the rows on the device, which end in zeros.
        reach: The largest norm of a row.
        gamma: Relative error of a sum on the tensor cores.
        spread: How many norms an int8 row's score is raised by, over its scale.
        BLOCK: Power of two of at least ``dim``.
        HALVES: 1 or 2.
    """
    number = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    query = tl.load(queries + number.to(tl.int64) * row_dim + at, mask=at < row_dim, other=0.0)
    is_finite = tl.abs(query) < float("inf")
    query = tl.where(is_finite, query, 0.0)
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
    tl.store(errors + number, (gamma * norm + lost) * reach * _SLACK + _TINY)
    tl.store(finite + number, tl.min(is_finite.to(tl.int32), axis=0))
