"""The scan: every row times every query of a batch, filtered, and the best score of each bin of places."""

from __future__ import annotations

import triton
import triton.language as tl

BIN = 64
WORD = 32
_BIN = tl.constexpr(BIN)
_WORD = tl.constexpr(WORD)
# What is lost among the subnormal numbers is less.
_TINY = tl.constexpr(1e-37)
UNSPECIALIZED = (
    "batch", "blocks", "first_place", "word_count", "word_stride", "boost_stride", "place_count",
    "maxima_stride",
)  # fmt: skip


@triton.jit(do_not_specialize=UNSPECIALIZED)
def scan(  # noqa: PLR0913, PLR0917
    rows: tl.tensor,
    scales: tl.tensor,
    halves: tl.tensor,
    units: tl.tensor,
    spreads: tl.tensor,
    errors: tl.tensor,
    reaches: tl.tensor,
    words: tl.tensor,
    which_words: tl.tensor,
    boosts: tl.tensor,
    which_boost: tl.tensor,
    maxima: tl.tensor,
    batch: tl.tensor,
    blocks: tl.tensor,
    first_place: tl.tensor,
    word_count: tl.tensor,
    word_stride: tl.tensor,
    place_count: tl.tensor,
    boost_stride: tl.tensor,
    maxima_stride: tl.tensor,
    DIM: tl.constexpr,  # noqa: N803
    ROWS: tl.constexpr,  # noqa: N803
    QUERIES: tl.constexpr,  # noqa: N803
    CHUNK: tl.constexpr,  # noqa: N803
    HALVES: tl.constexpr,  # noqa: N803
    SCALED: tl.constexpr,  # noqa: N803
    EACH_WORDS: tl.constexpr,  # noqa: N803
    BOOST: tl.constexpr,  # noqa: N803
    SKIP: tl.constexpr,  # noqa: N803
) -> None:
    """Write no less than the best score in each bin of one segment, for a block of queries; -inf where nothing passes.

    A score is raised by the most that it may err by, see ``gpu/bound.py``, before a boost is added to it.

    The programs of one tile of rows stand side by side in the grid: the rows come from memory once, and then from the
    cache.

    Args:
        rows: ``(rows, DIM)`` of the segment, float16 or int8; as many as a multiple of ``ROWS``.
        scales: ``(rows,)`` float32: what int8 rows are multiples of.
        halves: ``(queries, HALVES, DIM)`` float16; queries are a multiple of ``QUERIES``.
        units: ``(queries,)`` float32: what the halves are multiples of.
        spreads: ``(queries,)`` float32: times a row's scale, how far above its score an int8 row is taken to be.
        errors: ``(queries,)`` float32: times a row's norm, how far its score may be from the true one.
        reaches: ``(bins,)`` float32 of the segment: the largest norm of a row.
        words: ``(filters, word_count)`` int32: bit ``p & 31`` of word ``p >> 5`` says that place ``p`` passes.
        which_words: ``(batch,)`` int32: the filter of each query.
        boosts: ``(expressions, place_count)`` float32.
        which_boost: ``(batch,)`` int32: the expression of each query; -1 for none.
        maxima: ``(batch, bins)`` float32, over all segments.
        batch: How many queries.
        blocks: Blocks of queries.
        first_place: Of the segment; a multiple of ``ROWS``.
        word_count: Words of a filter.
        word_stride: Words from one filter to the next.
        place_count: Values of an expression.
        boost_stride: Values from one expression to the next.
        maxima_stride: Bins from one query to the next.
        DIM: Length of a row, a multiple of ``CHUNK``.
        ROWS: Rows of a tile: 64, 128 or 256.
        QUERIES: Queries of a block, at least 16.
        CHUNK: Values of a row that are multiplied at a time.
        HALVES: 1 or 2.
        SCALED: Whether rows are int8.
        EACH_WORDS: Whether queries have filters of their own; else all have the first.
        BOOST: 0 where no query has one, 1 where all have the first, 2 where each may have its own.
        SKIP: Whether to look first if anything in the tile passes.
    """
    tile, block = tl.program_id(0) // blocks, tl.program_id(0) % blocks
    query = block * QUERIES + tl.arange(0, QUERIES)
    row = tile * ROWS + tl.arange(0, ROWS)
    passing = _passing(
        words,
        which_words,
        query,
        batch,
        (first_place + tile * ROWS) // _WORD,
        word_count,
        word_stride,
        ROWS,
        EACH_WORDS,
    )
    end = DIM
    if SKIP:
        end = tl.where(tl.max((passing != 0).to(tl.int32)) != 0, DIM, 0)
    at = tl.arange(0, CHUNK)
    row_at = rows + tile.to(tl.int64) * ROWS * DIM + tl.arange(0, ROWS)[:, None] * DIM + at[None, :]
    half = block * QUERIES * HALVES + tl.arange(0, QUERIES * HALVES)
    half_at = halves + half[None, :] * DIM + at[:, None]
    score = tl.full([ROWS, QUERIES * HALVES], 0.0, tl.float32)
    for start in tl.range(0, end, CHUNK):
        values = tl.load(row_at + start)
        if SCALED:
            values = values.to(tl.float16)
        score = tl.dot(values, tl.load(half_at + start), score)
    if HALVES == 2:
        # One product of twice the width: the tensor cores read each row once for both.
        high, low = tl.split(tl.reshape(score, [ROWS, QUERIES, HALVES]))
        score = high + low
    score *= tl.load(units + query)[None, :]
    if SCALED:
        score = (score + tl.load(spreads + query)[None, :]) * tl.load(scales + row)[:, None]
    score += tl.load(errors + query)[None, :] * tl.load(reaches + row // _BIN)[:, None] + _TINY
    if BOOST == 1:
        score += tl.load(boosts + first_place + row, mask=first_place + row < place_count, other=0.0)[:, None]
    if BOOST == 2:
        which = tl.load(which_boost + query, mask=query < batch, other=-1)
        place = first_place + row
        boost_at = boosts + which.to(tl.int64)[None, :] * boost_stride + place[:, None]
        score += tl.load(boost_at, mask=(which >= 0)[None, :] & (place < place_count)[:, None], other=0.0)
    _store(maxima, score, passing, query, batch, (first_place + tile * ROWS) // _BIN, maxima_stride, ROWS, QUERIES)


@triton.jit
def _passing(  # noqa: PLR0913, PLR0917
    words: tl.tensor,
    which_words: tl.tensor,
    query: tl.tensor,
    batch: tl.tensor,
    first: tl.tensor,
    count: tl.tensor,
    stride: tl.tensor,
    ROWS: tl.constexpr,  # noqa: N803
    EACH: tl.constexpr,  # noqa: N803
) -> tl.tensor:
    """``(words of a tile, queries or 1)`` int32: the bits of a tile's places."""
    word = first + tl.arange(0, ROWS // _WORD)[:, None]
    if EACH:
        which = tl.load(which_words + query, mask=query < batch, other=0)
        at = words + which.to(tl.int64)[None, :] * stride + word
        bits = tl.load(at, mask=(word < count) & (query < batch)[None, :], other=0)
    else:
        bits = tl.load(words + word, mask=word < count, other=0)
    return bits


@triton.jit
def _store(  # noqa: PLR0913, PLR0917
    maxima: tl.tensor,
    score: tl.tensor,
    passing: tl.tensor,
    query: tl.tensor,
    batch: tl.tensor,
    first: tl.tensor,
    stride: tl.tensor,
    ROWS: tl.constexpr,  # noqa: N803
    QUERIES: tl.constexpr,  # noqa: N803
) -> None:
    """Write the best of each bin among what passes."""
    bits = (passing[:, None, :] >> tl.arange(0, _WORD)[None, :, None]) & 1
    score = tl.where(bits != 0, tl.reshape(score, [ROWS // _WORD, _WORD, QUERIES]), float("-inf"))
    best = tl.max(tl.reshape(score, [ROWS // _BIN, _BIN, QUERIES]), axis=1)
    bin_at = first + tl.arange(0, ROWS // _BIN)[:, None]
    tl.store(maxima + query.to(tl.int64)[None, :] * stride + bin_at, best, mask=(query < batch)[None, :])
