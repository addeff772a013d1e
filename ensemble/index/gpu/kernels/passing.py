"""Filters on the device: programs run at every place, their answers packed to bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
import triton
import triton.language as tl

from ensemble.index.gpu.kernels.variant import Variant
from ensemble.index.gpu.program import PLACE, STEP, Code, Programs
from ensemble.index.gpu.stream import Stream

# Places a program of the grid looks at: whole words of bits.
BLOCK = 1_024
WARPS = 8

_WITHIN = tl.constexpr(int(Code.WITHIN))
_AMONG = tl.constexpr(int(Code.AMONG))
_AND = tl.constexpr(int(Code.AND))
_OR = tl.constexpr(int(Code.OR))
_PLACE = tl.constexpr(PLACE)
_STEP = tl.constexpr(STEP)


@triton.jit(do_not_specialize=["filters", "blocks"])
def passing(  # noqa: PLR0913, PLR0917
    steps: tl.tensor,
    starts: tl.tensor,
    bounds: tl.tensor,
    values: tl.tensor,
    valid: tl.tensor,
    words: tl.tensor,
    rows: tl.tensor,
    filters: tl.tensor,
    blocks: tl.tensor,
    BLOCK: tl.constexpr,  # noqa: N803
) -> None:
    """Write which places are valid and pass, for each filter; one program a filter and block of places.

    The programs of one block stand side by side in the grid: its columns are read once, and then from the cache.

    Args:
        steps: ``(steps, 4)`` int32, see ``Programs``.
        starts: ``(filters + 1,)`` int32.
        bounds: ``(intervals, 2)`` float64.
        values: ``(columns, room)`` float64, NaN where missing.
        valid: ``(room,)`` uint8: 0 or 1.
        words: ``(rows, room / 32)`` int32: bit ``p & 31`` of word ``p >> 5`` is place ``p``.
        rows: ``(filters,)`` int32: the row of ``words`` that each is written to.
        filters: How many.
        blocks: Of places; ``room = blocks * BLOCK``.
        BLOCK: Places a program looks at.
    """
    room = blocks * BLOCK
    number = tl.program_id(0)
    block, which = number // filters, number % filters
    word = block * (BLOCK // 32) + tl.arange(0, BLOCK // 32)
    place = word[:, None] * 32 + tl.arange(0, 32)[None, :]
    stack = tl.zeros([BLOCK // 32, 32], tl.int32)
    for at in range(tl.load(starts + which), tl.load(starts + which + 1)):
        code = tl.load(steps + at * _STEP)
        if code <= _AMONG:
            column = tl.load(steps + at * _STEP + 1)
            first = tl.load(steps + at * _STEP + 2)
            if column == _PLACE:  # noqa: SIM108  (a conditional expression would load in any case)
                held = place.to(tl.float64)
            else:
                held = tl.load(values + column.to(tl.int64) * room + place)
            if code == _WITHIN:
                is_held = (held >= tl.load(bounds + first * 2)) & (held <= tl.load(bounds + first * 2 + 1))
            else:
                is_held = _among(held, bounds, first, tl.load(steps + at * _STEP + 3))
            stack = (stack << 1) | is_held.to(tl.int32)
        elif code == _AND:
            stack = (stack >> 1) & (stack | -2)
        elif code == _OR:
            stack = (stack >> 1) | (stack & 1)
        else:
            stack = stack ^ 1
    passes = stack & tl.load(valid + place).to(tl.int32)
    packed = tl.sum(passes << tl.arange(0, 32)[None, :], axis=1)
    tl.store(words + tl.load(rows + which).to(tl.int64) * (room // 32) + word, packed)


@triton.jit
def _among(held: tl.tensor, bounds: tl.tensor, first: tl.tensor, count: tl.tensor) -> tl.tensor:
    """Whether values lie in one of ``count`` ascending intervals: the last that begins at or below each is searched."""
    end = first + count
    at = tl.zeros_like(held).to(tl.int32) + first
    step = count
    while step > 1:
        step = (step + 1) // 2
        further = at + step
        is_below = tl.load(bounds + further * 2, mask=further < end, other=0.0) <= held
        at = tl.where(is_below & (further < end), further, at)
    return (held >= tl.load(bounds + at * 2)) & (held <= tl.load(bounds + at * 2 + 1))


def pack(
    programs: Programs,
    values: torch.Tensor,
    valid: torch.Tensor,
    stream: Stream,
    words: torch.Tensor,
    rows: Sequence[int],
) -> None:
    """Run filters at every place, in one launch.

    Args:
        programs: The filters, one or more.
        values: ``(columns, room)`` float64, NaN where missing; ``room`` is a multiple of ``BLOCK``.
        valid: ``(room,)`` uint8.
        stream: In use.
        words: ``(rows, room / 32)`` int32: bit ``p & 31`` of word ``p >> 5`` is to tell whether place ``p`` is valid
            and passes.
        rows: The row of ``words`` for each filter.
    """
    filters, blocks = len(rows), len(valid) // BLOCK
    given = stream.sent(programs.steps, programs.starts, programs.bounds, np.array(rows, np.int32))
    steps, starts, bounds, row_of = given
    grid = (filters * blocks,)
    passing[grid](steps, starts, bounds, values, valid, words, row_of, filters, blocks, BLOCK, num_warps=WARPS)


def variants() -> Iterator[Variant]:
    """The one way in which the kernel is compiled."""
    types = dict.fromkeys(("steps", "starts", "words", "rows"), "*i32") | dict.fromkeys(("bounds", "values"), "*fp64")
    types |= {"valid": "*u8", "filters": "i32", "blocks": "i32"}
    order = (name for name in passing.arg_names if name in types)
    yield Variant(passing, "any filter", {name: types[name] for name in order}, {"BLOCK": BLOCK}, warps=WARPS)
