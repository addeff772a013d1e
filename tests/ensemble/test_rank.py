"""Business scores from text: held to Python's own evaluation of the same words, and refused by name."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.index.columns import Kind, Stored
from ensemble.index.rank import Rank, factor_of, parse_rank
from ensemble.index.rank_nodes import Constant, Field
from ensemble.index.rank_reading import MAX_NODES

KINDS: dict[str, Kind] = {
    "price": "number",
    "popularity": "number",
    "new": "flag",
    "color": "word",
    "net weight": "number",
    "min": "number",
    "similarity": "number",
    "class": "number",
    "\u00b5m": "number",  # the micro sign, which Python's parser takes for the letter of the next one
    "\u03bcm": "number",
}
COLUMNS = {name: Stored.missing(kind, 0) for name, kind in KINDS.items()}
VALUES = {
    "price": np.array([3.5, 0, np.nan, 12, -1, 1e300, 1e-300, np.inf]),
    "popularity": np.array([0, 1, 2, np.nan, 1e6, 7, 0.5, 3]),
    "new": np.array([0, 1, np.nan, 1, 0, 0, 1, 1], np.float64),
}


def filled(values: NDArray[np.float64], number: float) -> NDArray[np.float64]:
    return np.where(np.isnan(values), number, values)


WORDS: dict[str, Any] = {
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
    "clip": lambda values, low, high: np.minimum(np.maximum(values, low), high),
    "fill": filled,
    "column": VALUES.__getitem__,
}
numbers = st.one_of(st.integers(0, 20).map(str), st.floats(0, 100).map(repr), st.sampled_from(["1e-9", "2.5E3", "1_0"]))
leaves = st.one_of(
    numbers,
    st.sampled_from([*VALUES, "column('price')"]),
    st.builds("fill({}, {})".format, st.sampled_from(list(VALUES)), numbers),
)
additions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("{} {} {}".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("-{}".format, inner),
        st.builds("{}({})".format, st.sampled_from(["log1p", "sqrt", "exp", "abs"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("clip({}, -1, {})".format, inner, numbers),
    ),
    max_leaves=8,
)
SHAPES = {
    "similarity + {}": 1.0,
    "({}) - -3 * similarity": 3.0,
    "0.7*(similarity - ({}))": 0.7,
    "(similarity * 4 - ({})) / 8 + 1": 0.5,
    "-(({}) - similarity / 2 * 3)": 1.5,
    "({}) + similarity * log1p(1e3)": float(np.log1p(1e3)),
    "2 - (({}) - 2 * similarity) * 2": 4.0,
}


def by_python(text: str) -> NDArray[np.float32]:
    with np.errstate(all="ignore"):
        value = eval(text, {"__builtins__": {}}, WORDS | VALUES | {"similarity": 0.0})  # noqa: S307 - the test's own text
        boost = np.broadcast_to(np.asarray(value, np.float64), (8,)).astype(np.float32)
    return np.where(np.isfinite(boost), boost, np.float32(0))


@settings(max_examples=300)
@given(addition=additions, shape=st.sampled_from(list(SHAPES)))
def test_equals_python(addition: str, shape: str) -> None:
    text = shape.format(addition)
    try:
        rank = parse_rank(text, COLUMNS)
    except InvalidInput as error:
        assert error.problem.endswith(("not a finite number", "up to here (exp as 12, log1p as 8, sqrt as 2)"))  # noqa: PT017 - or it is no such text
        assume(False)
    assert rank is not None
    assert rank.similarity == pytest.approx(SHAPES[shape], rel=1e-15)
    assert rank.fields <= VALUES.keys()
    boost = rank.boost(VALUES)
    assert boost.dtype == np.float32
    np.testing.assert_array_equal(np.broadcast_to(boost, (8,)), by_python(text))
    tensors = rank.boost({name: torch.from_numpy(values) for name, values in VALUES.items()}, xp=torch)
    assert tensors.dtype == torch.float32
    np.testing.assert_allclose(tensors.expand(8).numpy(), by_python(text), rtol=1e-6)


def test_empty_is_no_score() -> None:
    assert parse_rank("", COLUMNS) is None
    assert parse_rank(b"", COLUMNS) is None
    assert factor_of(b"") == 1


def test_similarity_alone_adds_nothing() -> None:
    for text in ("similarity", " (similarity)\t", "similarity / 1", b"2 * similarity * 0.5", "--similarity"):
        assert parse_rank(text, COLUMNS) == Rank(1.0, None)
    assert Rank(1.0, None).boost({}) == 0


def test_the_factor_needs_no_columns() -> None:
    assert factor_of("nobody - 3 * (0.5 - similarity) / 2") == 1.5


def test_names_that_are_no_identifiers() -> None:
    assert parse_rank('similarity + column("net weight")', COLUMNS) == Rank(1.0, Field("net weight"))
    assert parse_rank("similarity + column('similarity')", COLUMNS) == Rank(1.0, Field("similarity"))
    rank = parse_rank("similarity + min(min, 3)", COLUMNS)
    assert rank is not None
    assert rank.fields == {"min"}


def test_names_are_taken_as_they_are_written() -> None:
    for name in ("\u00b5m", "\u03bcm"):
        assert parse_rank(f"similarity + {name}", COLUMNS) == Rank(1.0, Field(name))
    assert parse_rank('similarity + column("class")', COLUMNS) == Rank(1.0, Field("class"))


def test_constants_are_folded() -> None:
    assert parse_rank("(1 + 2 * 3) + similarity - sqrt(4)", COLUMNS) == Rank(1.0, Constant(5.0))


def test_what_is_missing_or_beyond_float32_counts_as_nothing() -> None:
    rank = parse_rank("similarity + 2 * price", COLUMNS)
    assert rank is not None
    assert rank.boost(VALUES).tolist() == [7, 0, 0, 24, -2, 0, 0, 0]
    rank = parse_rank("similarity + fill(price, -1)", COLUMNS)
    assert rank is not None
    assert rank.boost(VALUES)[2] == -1


def test_a_sum_may_be_long_and_a_tree_may_not_be_deep() -> None:
    fits = "similarity" + " + price" * ((MAX_NODES - 1) // 2)
    assert parse_rank(fits, COLUMNS) is not None
    assert parse_rank("similarity + " + "(price - " * 14 + "1" + ")" * 14, COLUMNS) is not None


CASES = {
    "similarity +": "not an expression: invalid syntax",
    "similarity + min(class, 1)": 'not an expression: invalid syntax (character 18); write column("class") if that is',
    "similarity) + (1": "not an expression: unmatched ')'",
    "similarity\0": "not an expression: ",
    "(" * 300: "not an expression: too many nested parentheses",
    "similarity\n+ 1": "one line is needed",
    "  ": "one line is needed",
    b"\xff": "not UTF-8 text",
    "\ud800": "not UTF-8 text",
    "similarity + " + "1" * 1_012: "1,025 bytes; at most 1,024 are allowed",
    "é" * 513: "1,026 bytes; at most 1,024 are allowed",
    "price": "similarity does not occur; exactly once is needed",
    "3": "similarity does not occur",
    "similarity + similarity": "character 1, 'similarity + similarity': similarity occurs twice",
    "1 + similarity * similarity": "character 5, 'similarity * similarity': similarity may only be multiplied with a",
    "similarity * price": "character 1, 'similarity * price': similarity may only be multiplied with a number",
    "price * similarity": "character 1, 'price * similarity': similarity may only be multiplied with a number",
    "(similarity + price) * new": "character 1, '(similarity + price) * new': similarity may only",
    "1 / similarity": "character 1, '1 / similarity': similarity may only be multiplied with a number, or divided by",
    "price + exp(-similarity)": "character 13, '-similarity': similarity may not be inside a function",
    "-similarity": "similarity has the factor -1; 1e-06 to 1e+06 are allowed",
    "0 * similarity": "similarity has the factor 0; 1e-06 to",
    "similarity * 1e7": "similarity has the factor 1e+07; 1e-06 to 1e+06 are allowed",
    "similarity / 0": "character 1, 'similarity / 0': not a finite number",
    "similarity + 1e999": "character 14, '1e999': not a finite number",
    "similarity + " + "9" * 400: f"character 14, '{'9' * 77}...': not a finite number",
    "similarity + sqrt(-1)": "character 14, 'sqrt(-1)': not a finite number",
    "similarity ** 2": "character 1, 'similarity ** 2': an operator that is not allowed; allowed are",
    "similarity + (1 if price else 2)": "character 15, '1 if price else 2': not allowed; allowed are numbers",
    "similarity + True": "character 14, 'True': not allowed",
    "similarity + 2j": "character 14, '2j': not allowed",
    "similarity + column('é') + price.real": "character 28, 'price.real': not allowed",
    "similarity + __import__('os')": "character 14, \"__import__('os')\": an unknown function; allowed are",
    "similarity + price.sum()": "character 14, 'price.sum()': an unknown function",
    "similarity + (lambda: 0)()": "character 14, '(lambda: 0)()': an unknown function",
    "similarity + min(price)": "character 14, 'min(price)': min takes 2 arguments",
    "similarity + exp(x=price)": "character 14, 'exp(x=price)': exp takes 1 argument",
    "similarity + min(*price, 1)": "character 18, '*price': not allowed",
    "similarity + clip(price, 3, 1)": "character 14, 'clip(price, 3, 1)': clip takes the lower bound first, got 3",
    "similarity + fill(3, price)": "character 14, 'fill(3, price)': fill takes a column and the number",
    "similarity + fill(price, new)": "character 14, 'fill(price, new)': fill takes a column and the number",
    "similarity + column(price)": "character 14, 'column(price)': column takes one name in quotes",
    "similarity + cost": "'cost' is no column; this catalogue has class, min, net weight, new, popularity, price, sim",
    "similarity + column('color')": "'color' is no number; this catalogue has class, min, net weight",
    "similarity" + " + price" * 32: "character 262, 'price': more than 64 numbers, names, operators and functions",
    "similarity" + " + exp(new)" * 5: "character 58, 'exp(new)': more than 64 numbers, names",
    "similarity" + " + log1p(new)" * 7: "character 92, 'log1p(new)': more than 64 numbers, names",
    "\uff45xp(price) + similarity": "character 1, '\uff45xp(price)': an unknown function",
    "\uff53imilarity + 1": "similarity does not occur",
    "similarity + " + "-" * 20 + "price": "character 29, '-----price': nested deeper than 16",
}


@pytest.mark.parametrize("text", CASES)
def test_refuses(text: str | bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_rank(text, COLUMNS)
    assert str(caught.value).startswith(f"RANK: {CASES[text]}")


@given(st.text("similarity+-*/() price,17.e_logp'\"\\#\t", max_size=40))
def test_whatever_is_said_is_read_or_refused(text: str) -> None:
    try:
        parse_rank(text, COLUMNS)
    except InvalidInput as error:
        assert str(error).startswith("RANK: ")  # noqa: PT017 - most texts are refused, and none does anything else


def test_nothing_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[types.CodeType] = []
    real = compile

    def watched(*arguments: Any, **more: Any) -> Any:
        done = real(*arguments, **more)
        made.extend([done] if isinstance(done, types.CodeType) else [])
        return done

    monkeypatch.setattr("builtins.compile", watched)
    assert parse_rank("similarity + exp(price) * 17", COLUMNS) is not None
    assert made == []
