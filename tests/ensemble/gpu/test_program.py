"""Programs run in plain numpy, held to the masks of the trees that they were compiled from."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ensemble.index import Filter, IndexBuilder, Slots, parse_filter
from ensemble.index.columns import MISSING_CODE, Stored
from ensemble.index.filter_size import MAX_LEAVES
from ensemble.index.gpu.compiler import Compiler, points, runs
from ensemble.index.gpu.places import Places
from ensemble.index.gpu.program import MAX_STACK, PLACE, Code, Program, Programs, Writer
from tests.ensemble.journal_twin import SPACE
from tests.ensemble.test_filter import PRODUCTS
from tests.ensemble.test_masks import expressions

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**53, 1e308, 9.5]),
    st.integers(-(2**70), 2**70),
)


def catalogue() -> Slots:
    """Products with the columns that `expressions` ask for, of which some lack values."""
    builder = IndexBuilder(SPACE)
    extra = [{"size": n % 5, "mixed": ["0", 1, True, "XL"][n % 4]} if n % 3 else {} for n in range(len(PRODUCTS))]
    products = [one | {"attributes": one["attributes"] | more} for one, more in zip(PRODUCTS, extra, strict=True)]
    builder.add(products, np.ones((len(products), SPACE.row_dim), np.float32))
    return builder.build()


SLOTS = catalogue()
PLACES = Places(len(SLOTS))
NUMBERS = {name: number for number, name in enumerate(SLOTS.stored)}


def matrix(slots: Slots) -> NDArray[np.float64]:
    """``(columns, slots)``, as on the device."""

    def plain(column: Stored) -> NDArray[np.float64]:
        missing = np.isnan(column.values) if column.kind == "number" else column.values == MISSING_CODE
        return np.where(missing, np.nan, column.values)

    return np.stack([plain(column) for column in slots.stored.values()])


def run(program: Program, values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What the kernel does, value by value."""
    stack: list[NDArray[np.bool_]] = []
    for code, column, first, count in program.steps.tolist():
        if code in (Code.WITHIN, Code.AMONG):
            held = np.arange(values.shape[1], dtype=np.float64) if column == PLACE else values[column]
            bounds = program.bounds[first : first + count]
            stack.append(((held[:, None] >= bounds[:, 0]) & (held[:, None] <= bounds[:, 1])).any(axis=1))
        elif code == Code.NOT:
            stack.append(~stack.pop())
        else:
            one, other = stack.pop(), stack.pop()
            stack.append(one & other if code == Code.AND else one | other)
    (mask,) = stack
    return mask


def compiled(expression: Any, slots: Slots = SLOTS) -> tuple[Filter, Program]:
    parsed = parse_filter(json.dumps(expression), slots.columns)
    assert parsed is not None
    return parsed, Compiler(slots, NUMBERS, PLACES).program(parsed.tree)


@given(expressions)
def test_a_program_says_what_its_filter_says(expression: dict[str, Any]) -> None:
    parsed, program = compiled(expression)
    assert run(program, matrix(SLOTS)).tolist() == parsed.mask(SLOTS.columns).tolist()


@given(st.lists(expressions, min_size=1, max_size=5))
def test_programs_side_by_side_stay_what_they_were(several: list[dict[str, Any]]) -> None:
    programs = [compiled(expression)[1] for expression in several]
    joined = Programs.of(programs)
    for number, program in enumerate(programs):
        steps = joined.steps[joined.starts[number] : joined.starts[number + 1]]
        assert run(Program(steps, joined.bounds), matrix(SLOTS)).tolist() == run(program, matrix(SLOTS)).tolist()
    assert joined.starts[-1] == len(joined.steps)
    assert programs[-1].steps[0, 2] == 0  # what was joined is a copy


def test_no_filter_lets_every_place_pass() -> None:
    program = Compiler(SLOTS, NUMBERS, PLACES).program(None)
    assert run(program, matrix(SLOTS)).all()


@given(st.sets(st.integers(0, 40)))
def test_runs_hold_the_numbers_and_nothing_else(wanted: set[int]) -> None:
    bounds = runs(wanted)
    assert {number for number in range(-2, 45) for low, high in bounds if low <= number <= high} == wanted
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(bounds))


@given(st.lists(numbers))
def test_points_hold_the_numbers_and_nothing_else(wanted: list[float]) -> None:
    bounds = points(wanted)
    for number in [*map(float, wanted), np.inf, -np.inf, 0.5]:
        assert any(low <= number <= high for low, high in bounds) == (number in [float(one) for one in wanted])
    assert all(high < low for (_, high), (low, _) in pairwise(bounds))


def nested(depth: int) -> dict[str, Any]:
    leaf: dict[str, Any] = {"eq": ["color", "red"]}
    return leaf if depth == 1 else {"or" if depth % 2 else "and": [leaf, nested(depth - 1)]}


def test_the_deepest_and_the_longest_filters_fit_the_stack() -> None:
    for expression in (nested(16), {"or": [{"eq": ["number", number]} for number in range(MAX_LEAVES)]}):
        parsed, program = compiled(expression)
        assert run(program, matrix(SLOTS)).tolist() == parsed.mask(SLOTS.columns).tolist()


def pushed(count: int, *codes: Code) -> Writer:
    writer = Writer()
    for _ in range(count):
        writer.compare(0, [(0.0, 0.0)])
    for code in codes:
        writer.combine(code)
    return writer


@pytest.mark.parametrize(
    "writer",
    [pushed(2), pushed(1, Code.AND), pushed(MAX_STACK + 1, *[Code.OR] * MAX_STACK)],
    ids=["two values left", "too few values", "too many values"],
)
def test_a_program_that_would_not_come_out_is_refused(writer: Writer) -> None:
    with pytest.raises(ValueError, match="a stack of 1 to 32 values, 1 in the end, is allowed"):
        writer.program()


def test_a_full_stack_comes_out() -> None:
    assert len(pushed(MAX_STACK, *[Code.OR] * (MAX_STACK - 1)).program().steps) == 2 * MAX_STACK - 1
