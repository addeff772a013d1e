"""Exact scores of the places in some bins."""

from __future__ import annotations

import triton
import triton.language as tl

from ensemble.index.gpu.kernels.scan import BIN, WORD

_BIN = tl.constexpr(BIN)
_WORD = tl.constexpr(WORD)
UNSPECIALIZED = (
    "base_bins", "bins_stride", "row_dim", "word_count", "word_stride", "place_count", "boost_stride", "scores_stride",
)  # fmt: skip


@triton.jit(do_not_specialize=UNSPECIALIZED)
def rescore(  # noqa: PLR0913, PLR0917
    base: tl.tensor,
    tail: tl.tensor,
    queries: tl.tensor,
    bins: tl.tensor,
    words: tl.tensor,
    which_words: tl.tensor,
    boosts: tl.tensor,
    which_boost: tl.tensor,
    scores: tl.tensor,
    base_bins: tl.tensor,
    bins_stride: tl.tensor,
    row_dim: tl.tensor,
    word_count: tl.tensor,
    word_stride: tl.tensor,
    place_count: tl.tensor,
    boost_stride: tl.tensor,
    scores_stride: tl.tensor,
    DIM: tl.constexpr,  # noqa: N803
    CHUNK: tl.constexpr,  # noqa: N803
    BOOST: tl.constexpr,  # noqa: N803
) -> None:
    """Write scores summed in float64, -inf for a place that does not pass; one program a query and bin.

    Equal rows have equal scores to the last bit: each is summed in the same order.

    Args:
        base: ``(base rows, DIM)`` float16; as many as a multiple of ``BIN``.
        tail: ``(tail rows, DIM)`` float16, likewise.
        queries: ``(batch, row_dim)`` float32.
        bins: ``(batch, chosen)`` int64: the bins of each query.
        words: See ``scan``.
        which_words: See ``scan``.
        boosts: See ``scan``.
        which_boost: See ``scan``.
        scores: ``(batch, chosen * BIN)`` float64.
        base_bins: How many bins the base has.
        bins_stride: Numbers from one query's bins to the next's.
        row_dim: Length of a query.
        word_count: Words of a filter.
        word_stride: Words from one filter to the next.
        place_count: Values of an expression.
        boost_stride: Values from one expression to the next.
        scores_stride: Scores from one query to the next.
        DIM: Length of a row, a multiple of ``CHUNK``.
        CHUNK: Values of a row that are multiplied at a time.
        BOOST: Whether any query has one.
    """
    chosen, query = tl.program_id(0), tl.program_id(1).to(tl.int64)
    number = tl.load(bins + query * bins_stride + chosen)
    member = tl.arange(0, _BIN)
    place = number * _BIN + member
    which = tl.load(which_words + query).to(tl.int64)
    word = place // _WORD
    bits = tl.load(words + which * word_stride + word, mask=word < word_count, other=0)
    passes = ((bits >> (member % _WORD)) & 1) != 0
    if number < base_bins:  # noqa: SIM108 -- a kernel knows no conditional expression of pointers
        start = base + number * _BIN * DIM
    else:
        start = tail + (number - base_bins) * _BIN * DIM
    at = tl.arange(0, CHUNK)
    row_at = tl.multiple_of(start, 16) + member[:, None] * DIM + at[None, :]
    weight_at = queries + query * row_dim + at
    score = tl.full([_BIN], 0.0, tl.float64)
    for first in tl.range(0, DIM, CHUNK):
        values = tl.load(row_at + first, mask=passes[:, None], other=0.0).to(tl.float64)
        weights = tl.load(weight_at + first, mask=first + at < row_dim, other=0.0).to(tl.float64)
        score += tl.sum(values * weights[None, :], axis=1)
    if BOOST:
        expression = tl.load(which_boost + query).to(tl.int64)
        end = tl.where(expression >= 0, place_count, 0)
        score += tl.load(boosts + expression * boost_stride + place, mask=place < end, other=0.0).to(tl.float64)
    score = tl.where(passes, score, float("-inf"))
    tl.store(scores + query * scores_stride + chosen * _BIN + member, score)
