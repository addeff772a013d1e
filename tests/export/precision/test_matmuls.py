from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from onnx import ModelProto

from export.errors import BadCalibration, PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.editing import Editor
from export.precision.extremes import extremes
from export.precision.matmuls.gelus import find_gelus
from export.precision.matmuls.recipe import by_token, static_norms
from export.precision.matmuls.sites import find_sites
from export.reference import Array
from tests.export.precision.graphs import graph, run, states, worst_cosine
from tests.export.precision.transformers import text_tower, texts

Recipe = Callable[[ModelProto, Calibration], ModelProto | None]
RECIPES = pytest.mark.parametrize("recipe", [by_token, static_norms])
MLP = """
tower (float[batch, tokens, 32] STATES) => (float[batch, tokens, 32] VECTOR)
{
    wide = MatMul (STATES, weight)
    shifted = Add (wide, bias)
    kept = Relu (shifted)
    narrow = MatMul (kept, weight)
    sum = Add (narrow, STATES)
    normal = LayerNormalization <axis = -1> (sum, scale, shift)
    VECTOR = MatMul (normal, weight)
}
"""
ERF = """
tower (float[batch, tokens, 32] STATES) => (float[batch, tokens, 32] VECTOR)
<float root = {1.4142135}, float over_root = {0.70710678}, float one = {1.0}, float half = {%s}>
{
    %s
    VECTOR = MatMul (gelu, weight)
}
"""
SPELLINGS = {
    "halved last": "d = Div (STATES, root) e = Erf (d) p = Add (e, one) m = Mul (STATES, p) gelu = Mul (m, half)",
    "halved first": "h = Mul (STATES, half) d = Mul (STATES, over_root) e = Erf (d) p = Add (one, e) gelu = Mul (h, p)",
    "halved between": "d = Div (STATES, root) e = Erf (d) p = Add (e, one) m = Mul (p, half) gelu = Mul (STATES, m)",
}


@pytest.fixture(scope="module", params=[False, True], ids=["post-norm", "pre-norm"])
def tower(request: pytest.FixtureRequest) -> ModelProto:
    return text_tower(pre_norm=request.param)


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return Calibration([texts(16, 12, seed) for seed in range(4)])


@pytest.fixture(scope="module", params=[by_token, static_norms])
def int8(request: pytest.FixtureRequest, tower: ModelProto, calibration: Calibration) -> ModelProto:
    made: ModelProto | None = request.param(tower, calibration)
    assert made is not None
    return made


def mlp() -> ModelProto:
    random = np.random.default_rng(8)
    vectors = {name: random.normal(size=32) for name in ("bias", "scale", "shift")}
    return graph(MLP, **vectors)


def kinds(model: ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


def test_a_quantised_transformer_is_faithful(tower: ModelProto, int8: ModelProto) -> None:
    held_out = texts(64, 14, 99)
    ours, theirs = run(int8, held_out), run(tower, held_out)
    assert worst_cosine(ours, theirs) > 0.998
    assert not np.array_equal(ours, theirs)


def test_answers_do_not_depend_on_what_shares_the_batch_nor_on_padding(int8: ModelProto) -> None:
    together = texts(8, 20, 5)
    answers = run(int8, together)
    for row, length in enumerate(together["LENGTHS"][:, 0]):
        alone = {"INPUT_IDS": together["INPUT_IDS"][row : row + 1, :length], "LENGTHS": together["LENGTHS"][[row]]}
        off = np.linalg.norm(run(int8, alone)[0] - answers[row]) / np.linalg.norm(answers[row])
        assert off < 1e-5


def test_every_product_of_a_block_is_an_integer_one(tower: ModelProto, int8: ModelProto) -> None:
    before, after = kinds(tower), kinds(int8)
    assert after["MatMulIntegerToFloat"] == 2 * 6
    assert before["MatMul"] - after["MatMul"] == 2 * 6  # what is left multiplies queries, keys and values
    assert after["FastGelu"] == before["Gelu"] == 2


def test_biases_cost_nothing_where_a_product_can_add_them(calibration: Calibration) -> None:
    post, pre = (static_norms(text_tower(pre_norm=pre_norm), calibration) for pre_norm in (False, True))
    assert post is not None
    assert pre is not None
    biases = [sum(node.name.endswith("/sum") for node in model.graph.node) for model in (post, pre)]
    # Those of a block's two products by token, after the token's scale.
    assert biases == [2 * 2, 2 * 2]
    # A post-norm block's layer norm has a smoothed twin, but for the last; a pre-norm block's is smoothed itself.
    assert [kinds(model)["LayerNormalization"] for model in (post, pre)] == [5 + 4, 5]


@RECIPES
def test_zeros_and_unlike_tokens_are_quantised_by_themselves(recipe: Recipe) -> None:
    model = mlp()
    made = recipe(model, Calibration([{"STATES": states(4, 6)}]))
    assert made is not None
    inputs = states(2, 6)
    inputs[0, 1] = 0
    inputs[1, 2] *= 1e3
    ours, theirs = run(made, {"STATES": inputs}), run(model, {"STATES": inputs})
    assert np.isfinite(ours).all()
    assert worst_cosine(ours, theirs) > 0.99
    assert np.isfinite(run(made, {"STATES": np.zeros((1, 1, 32), np.float32)})).all()
    calm = inputs.copy()
    calm[1, 2] = 1
    others = np.ones((2, 6), bool)
    others[1, 2] = False
    np.testing.assert_array_equal(run(made, {"STATES": calm})[others], ours[others])


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_gelu_is_known_however_it_is_spelt(spelling: str) -> None:
    model = graph(ERF % ("0.5", SPELLINGS[spelling]))
    (gelu,) = find_gelus(Editor(model)).values()
    assert (gelu.source, gelu.value) == ("STATES", "gelu")
    made = static_norms(model, Calibration([{"STATES": states(2, 3)}]))
    assert made is not None
    assert "Erf" not in kinds(made)
    assert kinds(made)["FastGelu"] == 1
    inputs = {"STATES": states(2, 5)}
    assert worst_cosine(run(made, inputs), run(model, inputs)) > 0.999


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_what_is_only_like_gelu_is_not_taken_for_it(spelling: str) -> None:
    assert find_gelus(Editor(graph(ERF % ("0.6", SPELLINGS[spelling])))) == {}


def test_what_each_product_reads_is_told_apart() -> None:
    assert [site.kind for site in find_sites(Editor(mlp()))] == ["other", "relu", "norm"]


@RECIPES
def test_a_graph_without_products_of_tokens_is_left_alone(recipe: Recipe) -> None:
    model = graph(
        """
        tower (float[batch, 32] STATES) => (float[batch, 32] VECTOR)
        {
            VECTOR = MatMul (STATES, weight)
        }
        """
    )
    assert recipe(model, Calibration([{"STATES": np.ones((2, 32), np.float32)}])) is None


@RECIPES
def test_an_answer_that_a_bias_is_added_to_stays_an_answer(recipe: Recipe) -> None:
    model = graph(
        """
        tower (float[batch, tokens, 32] STATES) => (float[batch, tokens, 32] VECTOR, float[batch, tokens, 32] SECOND)
        {
            VECTOR = MatMul (STATES, weight)
            SECOND = Add (VECTOR, bias)
        }
        """,
        bias=np.arange(32),
    )
    made = recipe(model, Calibration([{"STATES": states(2, 3)}]))
    assert made is not None
    assert worst_cosine(run(made, {"STATES": states(2, 3)}), run(model, {"STATES": states(2, 3)})) > 0.999


@pytest.mark.parametrize("batches", [[], [{"STATES": np.empty((0, 4, 32), np.float32)}]])
def test_calibration_without_inputs_is_refused(batches: list[dict[str, Array]]) -> None:
    with pytest.raises(BadCalibration, match="needs real inputs"):
        Calibration(batches)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"WRONG": states(2, 3)}, "cannot be run on calibration inputs WRONG"),
        ({"STATES": states(2, 3)[:, :, :5]}, "cannot be run on calibration inputs STATES"),
        ({"STATES": np.full((2, 3, 32), np.nan, np.float32)}, "not finite"),
    ],
)
@RECIPES
def test_calibration_that_says_nothing_of_the_graph_is_refused(
    recipe: Recipe, inputs: dict[str, Array], problem: str
) -> None:
    with pytest.raises(PrecisionFailed, match=problem):
        recipe(mlp(), Calibration([inputs]))


def test_padding_does_not_widen_ranges(tower: ModelProto) -> None:
    names = [site.value for site in find_sites(Editor(tower)) if site.kind == "norm"]
    short = texts(4, 9, 1)
    padded = {**short, "INPUT_IDS": np.pad(short["INPUT_IDS"], ((0, 0), (0, 5)))}
    seen, again = (extremes(Editor(tower).model, names, Calibration([batch])) for batch in (short, padded))
    for name in names:
        np.testing.assert_allclose(seen[name].high, again[name].high, atol=1e-5)
        np.testing.assert_allclose(seen[name].low, again[name].low, atol=1e-5)
