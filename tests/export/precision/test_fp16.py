from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, numpy_helper, shape_inference

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.fp16 import convert, to_fp16
from export.precision.halves.casting import with_casts
from export.precision.halves.rounding import rounded
from export.precision.halves.view import view_of
from tests import tiny
from tests.export.precision import graphs


def types(model: ModelProto) -> dict[str, int]:
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    found = {value.name: value.type.tensor_type.elem_type for value in values}
    return found | {tensor.name: tensor.data_type for tensor in graph.initializer}


def nodes(model: ModelProto, kind: str) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == kind]


def naive(model: ModelProto) -> ModelProto:
    """Everything in FP16 that can be."""
    with np.errstate(over="ignore"):
        return with_casts(view_of(model), ())


def text_calibration() -> Calibration:
    ids = np.random.default_rng(0).integers(2, 14, (6, 5))
    return graphs.calibration(INPUT_IDS=ids, LENGTHS=np.full((6, 1), 4, np.int32))


def vision_calibration() -> Calibration:
    pixels = np.random.default_rng(0).integers(0, 256, (6, tiny.SIZE, tiny.SIZE, 3)).astype(np.uint8)
    return graphs.calibration(PIXELS=pixels)


@pytest.mark.parametrize(
    ("tower", "calibration"),
    [(tiny.text_tower(), text_calibration()), (tiny.vision_tower(), vision_calibration())],
    ids=["text", "vision"],
)
def test_a_tower_keeps_its_inputs_and_outputs_and_answers_alike(tower: ModelProto, calibration: Calibration) -> None:
    before = tower.SerializeToString()
    half = to_fp16(tower, calibration, limit=60_000)
    onnx.checker.check_model(half, full_check=True)
    assert tower.SerializeToString() == before
    assert list(half.graph.input) == list(tower.graph.input)
    assert list(half.graph.output) == list(tower.graph.output)
    assert TensorProto.FLOAT16 in types(half).values()
    (batch,) = calibration.batches
    for answering in (half, rounded(half)):
        answer = graphs.run(answering, batch)
        assert answer.dtype == np.float32
        assert graphs.worst_cosine(answer, graphs.run(tower, batch)) > 0.9999


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        (graphs.LAYER_NORM, graphs.states(2, 4, spread=400)),
        (graphs.POOLING, graphs.states(2, 300, mean=300)),
    ],
    ids=["layer norm", "pooling and norm"],
)
def test_sums_that_overflow_fp16_stay_finite(text: str, inputs: np.ndarray) -> None:  # type: ignore[type-arg]
    source, batch = graphs.graph(text), {"STATES": inputs}
    overflown = graphs.run(rounded(naive(source)), batch)
    assert not np.isfinite(overflown).all() or np.abs(overflown).max() < 1e-3
    half, report = convert(source, Calibration([batch]), limit=60_000)
    answer = graphs.run(rounded(half), batch)
    assert np.isfinite(answer).all()
    assert graphs.worst_cosine(answer, graphs.run(source, batch)) > 0.9999
    assert nodes(half, "MatMul")
    assert report.nodes_fp16 == len(nodes(half, "MatMul"))


def test_a_mask_constant_beyond_fp16_stays_out_of_it() -> None:
    source = graphs.graph(graphs.MASK)
    batch = {"STATES": graphs.states(2, 6), "LENGTHS": np.array([[6], [3]], np.int32)}
    half, report = convert(source, Calibration([batch]))
    assert np.isfinite(graphs.run(rounded(half), batch)).all()
    assert graphs.worst_cosine(graphs.run(rounded(half), batch), graphs.run(source, batch)) > 0.9999
    reasons = {name.split("_")[0]: why for name, why in report.islands.items()}
    assert reasons["Softmax"] == "a softmax"
    assert reasons["Mul"] == "arithmetic on a mask or on pixels"
    assert reasons["Add"] == "values up to 3.4e+38"
    assert types(half)["lowest"] == TensorProto.FLOAT
    assert not np.isfinite(graphs.run(rounded(naive(source)), batch)).all()


def test_casts_stand_at_borders_alone() -> None:
    source = graphs.graph(graphs.MASK)
    batch = {"STATES": graphs.states(2, 6), "LENGTHS": np.array([[6], [3]], np.int32)}
    half, report = convert(source, Calibration([batch]))
    known = types(half)
    casts = [node for node in nodes(half, "Cast") if node.name.startswith("cast/")]
    assert len(casts) == report.casts
    assert all(known[node.input[0]] != known[node.output[0]] for node in casts)
    made = {node.output[0] for node in casts}
    assert not any(node.input[0] in made for node in casts)
    pairs = [(node.input[0], node.output[0]) for node in casts]
    assert len({value for value, _ in pairs}) == len(pairs)


def test_a_constant_used_on_both_sides_is_there_in_both_types() -> None:
    source = graphs.graph(
        """
        tower (float[batch, 32] STATES) => (float[batch, 32] VECTOR)
        {
            wide = MatMul (STATES, weight)
            shifted = Add (wide, shared)
            normal = LayerNormalization (shifted, shared, shared)
            VECTOR = MatMul (normal, weight)
        }
        """,
        shared=np.linspace(1, 2, graphs.WIDTH),
    )
    half = to_fp16(source, graphs.calibration(STATES=graphs.states(2, 1)[:, 0]))
    known = types(half)
    assert (known["shared"], known["shared/fp16"]) == (TensorProto.FLOAT, TensorProto.FLOAT16)
    assert known["weight/fp16"] == TensorProto.FLOAT16
    assert "weight" not in known
    assert half.ByteSize() < 0.7 * source.ByteSize()


@pytest.mark.parametrize(("limit", "halves"), [(512.0, 1), (60_000.0, 2)])
def test_nodes_with_large_values_stay_fp32(limit: float, halves: int) -> None:
    source = graphs.graph(
        """
        tower (float[batch, 32] STATES) => (float[batch, 32] VECTOR)
        {
            large = MatMul (STATES, thousand)
            VECTOR = MatMul (STATES, weight)
            small = MatMul (large, weight)
        }
        """,
        thousand=1000 * np.eye(graphs.WIDTH),
    )
    del source.graph.node[2]
    half, report = convert(source, graphs.calibration(STATES=graphs.states(2, 1)[:, 0]), limit=limit)
    assert report.nodes_fp16 == halves
    assert sorted(report.islands.values()) == (["values up to 2.25e+03"] if halves == 1 else [])
    assert types(half)["large"] == (TensorProto.FLOAT if halves == 1 else TensorProto.FLOAT16)


def test_a_constant_too_small_for_fp16_keeps_its_node() -> None:
    source = graphs.graph(
        """
        tower (float[batch, 32] STATES) => (float[batch, 32] VECTOR)
        <float tiny = {0.00000001}>
        {
            wide = MatMul (STATES, weight)
            safe = Add (wide, tiny)
            VECTOR = MatMul (safe, weight)
        }
        """
    )
    _, report = convert(source, graphs.calibration(STATES=graphs.states(2, 1)[:, 0]))
    assert list(report.islands.values()) == ["constant tiny of 1e-08 vanishes"]


def test_branches_read_fp32_from_around_them() -> None:
    source = graphs.graph(
        """
        tower (float[batch, 32] STATES, bool TWICE) => (float[batch, 32] VECTOR)
        {
            wide = MatMul (STATES, weight)
            chosen = If (TWICE) <
                then_branch = twice () => (float[batch, 32] doubled) { doubled = Add (wide, wide) },
                else_branch = once () => (float[batch, 32] same) { same = Identity (wide) }
            >
            VECTOR = MatMul (chosen, weight)
        }
        """
    )
    batch = {"STATES": graphs.states(2, 1)[:, 0], "TWICE": np.array(True)}
    half, report = convert(source, Calibration([batch]))
    assert "its branches stay FP32" in report.islands.values()
    assert graphs.worst_cosine(graphs.run(half, batch), graphs.run(source, batch)) > 0.9999
    assert types(half)["wide"] == TensorProto.FLOAT16


def test_what_the_standard_keeps_in_fp32_stays_and_idle_casts_go() -> None:
    source = graphs.graph(
        """
        tower (float[batch, 3, 4, 4] STATES) => (float[batch, 3, 8, 8] VECTOR)
        <float[4] scales = {1.0, 1.0, 2.0, 2.0}>
        {
            floats = Cast <to = 1> (STATES)
            VECTOR = Resize (floats, , scales)
        }
        """
    )
    source.opset_import.append(source.opset_import[0])
    half = to_fp16(source, graphs.calibration(STATES=np.ones((1, 3, 4, 4), np.float32)))
    assert types(half)["scales"] == TensorProto.FLOAT
    assert [entry.version for entry in half.opset_import] == [18]
    (resize,) = nodes(half, "Resize")
    assert types(half)[resize.output[0]] == TensorProto.FLOAT16


def test_a_graph_whose_types_are_hidden_is_refused() -> None:
    source = graphs.graph("tower (float[batch, 32] STATES) => (float[batch, 32] VECTOR) { VECTOR = Neg (STATES) }")
    source.graph.node[0].domain, source.graph.node[0].op_type = "shop", "Secret"
    source.graph.node[0].output[0] = "hidden"
    source.graph.node.append(onnx.helper.make_node("Neg", ["hidden"], ["VECTOR"]))
    source.opset_import.append(onnx.helper.make_opsetid("shop", 1))
    with pytest.raises(PrecisionFailed, match=r"'hidden', after operator shop\.Secret"):
        to_fp16(source, graphs.calibration(STATES=graphs.states(2, 1)[:, 0]))


def test_calibration_inputs_that_the_graph_cannot_take_are_told() -> None:
    source = graphs.graph(graphs.LAYER_NORM)
    with pytest.raises(PrecisionFailed, match=r"calibration inputs STATES \(2, 4, 31\)"):
        to_fp16(source, graphs.calibration(STATES=np.ones((2, 4, 31), np.float32)))


def test_rounding_is_that_of_fp16() -> None:
    source = graphs.graph("tower (float[batch, 32] STATES) => (float[batch, 32] VECTOR) { VECTOR = Relu (STATES) }")
    inputs = np.full((1, graphs.WIDTH), 1 + 2**-12, np.float32)
    half = to_fp16(source, graphs.calibration(STATES=inputs))
    assert (graphs.run(rounded(half), {"STATES": inputs}) == 1).all()
    assert np.isinf(graphs.run(rounded(half), {"STATES": inputs * np.float32(70_000)})).all()


def test_constants_round_to_fp16() -> None:
    half = to_fp16(tiny.vision_tower(), vision_calibration(), limit=60_000)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in half.graph.initializer}
    projection = next(t for t in tiny.vision_tower().graph.initializer if t.name == "projection")
    assert (stored["projection/fp16"] == numpy_helper.to_array(projection).astype(np.float16)).all()
