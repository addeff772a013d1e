"""Loops that neither numpy nor FAISS has: rows in half precision, scored where they lie. Compiled on import.

A row's score is a sum in float64, so that it does not depend on how the row was found; a centroid's is one in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit, types
from numba.core import cgutils as numba_code
from numba.extending import intrinsic as numba_intrinsic
from numpy.typing import NDArray

# A row is fetched into the cache while this many before it are scored: three times as fast where rows lie scattered.
AHEAD = 4
VALUES_A_CACHE_LINE = 32

# numba's own types do not describe what these give.
cgutils: Any = numba_code
intrinsic: Any = numba_intrinsic

Rows = types.Array(types.uint16, 2, "C", readonly=True)
Table = types.Array(types.float32, 2, "C", readonly=True)
Query = types.Array(types.float32, 1, "C", readonly=True)
Numbers = types.Array(types.int64, 1, "C", readonly=True)
OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": {"reassoc", "contract", "nsz"}}


def bits(rows: NDArray[np.float16]) -> NDArray[np.uint16]:
    """Rows as the loops take them: numba knows no half precision, so they come as their bits."""
    return rows.view(np.uint16)


@intrinsic  # type: ignore[untyped-decorator]
def half(_context: Any, bits: Any) -> Any:
    """A half-precision number from its bits."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fpext(builder.bitcast(arguments[0], ir.HalfType()), ir.FloatType())

    return types.float32(types.uint16), generate


@intrinsic  # type: ignore[untyped-decorator]
def fetch(_context: Any, rows: Any, row: Any, column: Any) -> Any:
    """Begin to bring a value of a row into the cache."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        shape, strides = (cgutils.unpack_tuple(builder, part, 2) for part in (array.shape, array.strides))
        place = cgutils.get_item_pointer2(context, builder, array.data, shape, strides, "C", list(arguments[1:]))
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        prefetch = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, prefetch, "llvm.prefetch.p0")
        read, keep, data = (ir.Constant(word, value) for value in (0, 3, 1))
        builder.call(function, [builder.bitcast(place, byte), read, keep, data])
        return context.get_dummy_value()

    return types.void(rows, row, column), generate


@njit(types.void(Rows, Table, Numbers, Query, types.float32[::1], types.float32[::1]), **OPTIONS)
def score_lists(centroids: Any, spreads: Any, starts: Any, query: Any, scores: Any, reach: Any) -> None:
    """Fill ``scores`` ``(lists,)`` with inner products, and ``reach`` ``(lists,)`` with standard deviations of scores.

    Args:
        centroids: ``(lists, row_dim)``.
        spreads: ``(lists, parts)``: the variance of each list's rows in each part.
        starts: ``(parts,)``: where the parts of a row begin.
        query: ``(row_dim,)``.
        scores: Filled.
        reach: Filled.
    """
    squares = np.zeros(starts.shape[0], np.float32)
    for part in range(starts.shape[0]):
        end = starts[part + 1] if part + 1 < starts.shape[0] else query.shape[0]
        for at in range(starts[part], end):
            squares[part] += query[at] * query[at]
    for number in range(centroids.shape[0]):
        total, variance = np.float32(0), np.float32(0)
        for at in range(query.shape[0]):
            total += half(centroids[number, at]) * query[at]
        for part in range(starts.shape[0]):
            variance += spreads[number, part] * squares[part]
        scores[number], reach[number] = total, np.sqrt(variance)


@njit(types.float64(Rows, types.int64, Query), **OPTIONS)
def score(rows: Any, at: int, query: Any) -> np.float64:
    """Inner product of a row with a query."""
    total = np.float64(0)
    for column in range(query.shape[0]):
        total += np.float64(half(rows[at, column])) * np.float64(query[column])
    return total


@njit(types.void(Rows, Rows, types.int64), **OPTIONS)
def fetch_row(base: Any, tail: Any, slot: int) -> None:
    """Begin to bring the row of a slot into the cache; a negative slot is none."""
    for column in range(0, base.shape[1], VALUES_A_CACHE_LINE):
        if slot >= base.shape[0]:
            fetch(tail, slot - base.shape[0], column)
        elif slot >= 0:
            fetch(base, slot, column)


@njit(types.int64(types.int64, types.float64, types.int64[::1], types.float64[::1], types.int64), **OPTIONS)
def insert(slot: int, value: np.float64, slots: Any, scores: Any, found: int) -> int:
    """Put a row among the ``found`` best if it is one; returns how many there are then. Ties: the lower slot first."""
    at = found
    if found < slots.shape[0]:
        found += 1
    else:
        at -= 1
        if value < scores[at] or (value == scores[at] and slot >= slots[at]):
            return found
    while at and (scores[at - 1] < value or (scores[at - 1] == value and slots[at - 1] > slot)):
        scores[at], slots[at] = scores[at - 1], slots[at - 1]
        at -= 1
    scores[at], slots[at] = value, slot
    return found


@njit(types.int64(Rows, Rows, Numbers, Query, Query, types.int64, types.int64[::1], types.float64[::1]), **OPTIONS)
def take(  # noqa: PLR0913, PLR0917 - numba takes no objects
    base: Any, tail: Any, slots: Any, query: Any, boost: Any, found: int, best_slots: Any, best_scores: Any
) -> int:
    """Score rows and merge them into the best so far.

    Args:
        base: ``(base slots, row_dim)``.
        tail: ``(tail slots, row_dim)``.
        slots: Which rows; a negative one is none.
        query: ``(row_dim,)``.
        boost: ``(slots,)``: what is added to the score of each slot; empty for nothing.
        found: How many best rows there are already.
        best_slots: As many as are wanted, one or more.
        best_scores: As many.

    Returns:
        How many best rows there are now.
    """
    wanted = best_slots.shape[0]
    for number in range(slots.shape[0]):
        if number + AHEAD < slots.shape[0]:
            fetch_row(base, tail, slots[number + AHEAD])
        slot = slots[number]
        if slot < 0:
            continue
        value = score(base, slot, query) if slot < base.shape[0] else score(tail, slot - base.shape[0], query)
        if boost.shape[0]:
            value += np.float64(boost[slot])
        if found < wanted or value >= best_scores[wanted - 1]:
            found = insert(slot, value, best_slots, best_scores, found)
    return found


@njit(types.void(Rows, Rows, Numbers, Query, types.float64[::1]), **OPTIONS)
def score_slots(base: Any, tail: Any, slots: Any, query: Any, scores: Any) -> None:
    """Fill ``scores`` ``(slots,)`` with the inner products of rows with a query.

    Args:
        base: ``(base slots, row_dim)``.
        tail: ``(tail slots, row_dim)``.
        slots: Which rows.
        query: ``(row_dim,)``.
        scores: Filled.
    """
    for number in range(slots.shape[0]):
        if number + AHEAD < slots.shape[0]:
            fetch_row(base, tail, slots[number + AHEAD])
        slot = slots[number]
        scores[number] = score(base, slot, query) if slot < base.shape[0] else score(tail, slot - base.shape[0], query)
