"""The gate over real graphs, some of them spoiled the way graphs are spoiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from ensemble.settings import ImageSettings
from ensemble.towers import Tower
from export.errors import BadEvaluation, GateFailed
from export.gate.bounds import bounds_for
from export.gate.choose import choose
from export.gate.evaluate import Bench, evaluate, work
from export.gate.preparation import vision_preparation
from export.gate.trial import Trial
from export.gate.values import Verdict
from export.reference import Array, Floats
from tests.export.gate.conftest import QUICK, Bed, Step, changed, copied, then, with_constant

INT8_OF_A_TINY_TOWER = {
    "fp32": bounds_for("fp32"),
    "int8": bounds_for("int8", {"cosine_p01": 0.98, "recall_at_10": 0.9, "batch_distance": 0.02}),
}


def failed(verdict: Verdict) -> set[str]:
    return {failure.figure for failure in verdict.failures}


@pytest.mark.parametrize("bed", ["text_bed", "vision_bed", "vit_bed"])
def test_a_graph_that_is_the_reference_passes_the_strictest_bounds(bed: str, request: pytest.FixtureRequest) -> None:
    used: Bed = request.getfixturevalue(bed)
    told: list[int] = []
    candidates = [used.candidate("fp32", "source", used.built.graph)]
    (verdict,) = evaluate(used.trial, used.preparation, used.reference, candidates, bench=QUICK, advance=told.append)
    figures = verdict.figures
    assert verdict.passed, verdict.failures
    assert figures.cosine_min > 0.999999
    assert figures.recall_at_10 == figures.recall_at_100 == 1
    assert (figures.k_at_10, figures.k_at_100, figures.products) == (10, 29, 60)
    assert figures.batch_distance < 1e-5
    assert set(figures.latency_ratio.values()) == {1.0}
    assert len(verdict.cosines) == figures.inputs == len(used.trial.inputs)
    assert figures.bytes == candidates[0].graph.stat().st_size
    assert sum(told) == work(used.trial, candidates)


def test_weights_rounded_to_half_pass_as_fp16(vit_bed: Bed) -> None:
    graph = changed(vit_bed.built.graph, LAYER, lambda values: values.astype(np.float16))
    verdict = vit_bed.judge(graph, precision="fp16")
    assert verdict.passed, verdict.failures
    assert 0.999 < verdict.figures.cosine_min < 1


def test_a_layer_multiplied_by_8_fails_and_names_the_worst_inputs(vit_bed: Bed) -> None:
    verdict = vit_bed.judge(changed(vit_bed.built.graph, LAYER, lambda values: 8 * values))
    assert {"cosine_p01", "recall_at_10"} <= failed(verdict)
    cosine = next(one for one in verdict.failures if one.figure == "cosine_p01")
    assert (cosine.value, cosine.bound) == (verdict.figures.cosine_p01, 0.98)
    assert len(cosine.worst) == 5
    assert cosine.worst == tuple(map(str, verdict.worst))
    assert cosine.worst[0].endswith(".png")
    assert verdict.worst[0].cosine == verdict.figures.cosine_min == min(verdict.cosines)


class Pictures(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    def __init__(self, bed: Bed) -> None:
        self._left = [bed.preparation.served([item.read()]) for item in bed.trial.corpus]

    def get_next(self) -> object:
        return self._left.pop() if self._left else None


# First weights of the transformer's feed-forward block.
LAYER = "val_66"


def quantised(bed: Bed) -> onnx.ModelProto:
    onnx.save(bed.built.graph, bed.folder / "float.onnx")
    quantize_static(
        bed.folder / "float.onnx",
        bed.folder / "int8.onnx",
        Pictures(bed),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        nodes_to_quantize=[node.name for node in bed.built.graph.graph.node if LAYER in node.input],
    )
    return onnx.load(bed.folder / "int8.onnx")


@pytest.mark.filterwarnings("ignore")
def test_int8_passes_until_the_scales_of_one_layer_are_multiplied_by_8(vit_bed: Bed) -> None:
    graph = quantised(vit_bed)
    good = vit_bed.judge(graph, bounds=INT8_OF_A_TINY_TOWER)
    assert good.passed, good.failures
    spoiled = vit_bed.judge(changed(graph, f"{LAYER}_scale", lambda scales: 8 * scales), bounds=INT8_OF_A_TINY_TOWER)
    assert {"cosine_p01", "recall_at_10"} <= failed(spoiled)


def test_mean_and_std_swapped_in_the_graph_fail(vit_bed: Bed) -> None:
    mean, std = np.array([0.2, 0.3, 0.4]), np.array([0.4, 0.5, 0.6])
    graph = changed(vit_bed.built.graph, "scale", lambda _: 1 / (255 * std))
    verdict = vit_bed.judge(changed(graph, "shift", lambda _: -mean / std), precision="fp32")
    assert {"cosine_min"} <= failed(verdict)
    assert verdict.figures.preparation < 1


@pytest.mark.parametrize(("served", "wanted"), [("crop", "squash"), ("squash", "crop"), ("pad", "crop")])
def test_another_way_to_resize_fails_every_candidate(vision_bed: Bed, served: str, wanted: str) -> None:
    swapped = vision_preparation(ImageSettings(16, served), ImageSettings(16, wanted))  # type: ignore[arg-type]
    verdict = vision_bed.judge(vision_bed.built.graph, precision="fp32", preparation=swapped)
    assert {"preparation", "cosine_min", "recall_at_10"} <= failed(verdict)
    with pytest.raises(GateFailed, match=r"at most 1\.5 is allowed") as caught:
        choose([verdict], "fp32", tower="vision", report=Path("report.html"))
    assert caught.value.figure == "vision tower, fp32-tried: preparation"
    assert ".png" in caught.value.worst[0]
    assert "report.html" in str(caught.value)


def test_a_vector_that_depends_on_the_batch_fails(text_bed: Bed) -> None:
    graph = with_constant(copied(text_bed.built.graph), "little", np.array(0.005, np.float32))
    leaking = then(
        graph,
        ("ReduceMax", [], {"keepdims": 1, "axes": [0]}),
        ("Mul", ["little"], {}),
        ("Add", ["x"], {}),
        ("LpNormalization", [], {"axis": -1, "p": 2}),
    )
    verdict = text_bed.judge(leaking)
    assert failed(verdict) == {"batch_distance"}
    (failure,) = verdict.failures
    assert not failure.at_least
    assert failure.value > failure.bound == 1e-3
    assert "'" in failure.worst[0]


def test_padding_that_leaks_is_seen_though_all_inputs_share_a_bucket(text_bed: Bed) -> None:
    """The mean over all tokens, real or not: only a longer text in the batch shows it."""
    short = [item for item in text_bed.trial.inputs if text_bed.preparation.served([item.read()])["LENGTHS"] == 5]
    assert len(short) >= 8
    bed = replace(text_bed, trial=replace(text_bed.trial, inputs=tuple(short)))
    made = copied(bed.built.graph)
    (less,) = [node for node in made.graph.node if node.op_type == "Less"]
    made.graph.initializer.append(onnx.numpy_helper.from_array(np.array(99), "everything"))
    less.input[1] = "everything"
    verdict = bed.judge(made)
    assert "batch_distance" in failed(verdict)


NAN: Step = ("Div", ["nothing"], {})
SPOILED: dict[str, tuple[Callable[[onnx.ModelProto], onnx.ModelProto], str]] = {
    "nan": (lambda graph: then(graph, ("Mul", ["nothing"], {}), NAN), "norm_error"),
    "zeros": (lambda graph: then(graph, ("Mul", ["nothing"], {})), "norm_error"),
    "too long": (lambda graph: then(graph, ("Add", ["x"], {})), "norm_error"),
    "all equal": (
        lambda graph: then(
            graph, ("Mul", ["nothing"], {}), ("Add", ["one"], {}), ("LpNormalization", [], {"axis": -1, "p": 2})
        ),
        "spread",
    ),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_vectors_that_tell_nothing_fail(kind: str, vision_bed: Bed) -> None:
    spoil, figure = SPOILED[kind]
    graph = with_constant(copied(vision_bed.built.graph), "nothing", np.zeros(1, np.float32))
    verdict = vision_bed.judge(spoil(with_constant(graph, "one", np.ones(1, np.float32))))
    assert figure in failed(verdict)
    if kind == "nan":
        assert {"cosine_p01", "recall_at_10", "batch_distance"} <= failed(verdict)


def test_a_graph_that_cannot_be_run_fails_and_the_others_are_judged(vision_bed: Bed) -> None:
    good = vision_bed.candidate("fp32", "source", vision_bed.built.graph)
    torn = replace(good, precision="int8", graph=vision_bed.folder / "torn.onnx")
    torn.graph.write_bytes(good.graph.read_bytes()[:100])
    verdicts = evaluate(vision_bed.trial, vision_bed.preparation, vision_bed.reference, [good, torn, good], bench=QUICK)
    assert [verdict.passed for verdict in verdicts] == [True, False, True]
    assert verdicts[1].figures.speed == float("inf")
    assert any("cannot be loaded" in line for line in verdicts[1].failures[0].worst)


def test_a_graph_that_fails_on_large_batches_alone_fails(vision_bed: Bed) -> None:
    class Small(Tower):
        def encode(self, inputs: Mapping[str, Array]) -> Floats:
            if len(inputs["PIXELS"]) > 16:
                raise RuntimeError("out of memory")
            return super().encode(inputs)

    def start(graph: Path, threads: int) -> Tower:
        return (Small if threads == 1 and "int8" in graph.name else Tower)(graph, threads=threads)

    both = [vision_bed.candidate(name, "source", vision_bed.built.graph) for name in ("fp32", "int8")]
    bench = Bench(start, threads=2, seconds=0.01)
    verdicts = evaluate(vision_bed.trial, vision_bed.preparation, vision_bed.reference, both, bench=bench)
    assert [verdict.passed for verdict in verdicts] == [True, False]
    (failure,) = verdicts[1].failures
    assert (failure.figure, failure.worst) == ("latency_ratio", ("cannot be run: out of memory",))


def test_a_reference_that_tells_nothing_judges_nothing(vision_bed: Bed) -> None:
    def run(reference: Callable[..., Array]) -> None:
        source = vision_bed.candidate("fp32", "source", vision_bed.built.graph)
        evaluate(vision_bed.trial, vision_bed.preparation, reference, [source], bench=QUICK)

    one = np.eye(1, 8, dtype=np.float32)
    with pytest.raises(BadEvaluation, match="all but equal"):
        run(lambda inputs: one)
    with pytest.raises(BadEvaluation, match=r"not finite.*\.png"):
        run(lambda inputs: vision_bed.reference(inputs) * np.nan)
    with pytest.raises(BadEvaluation, match="not of length 1"):
        run(lambda inputs: vision_bed.reference(inputs) * 0)


def test_products_that_all_look_alike_judge_nothing(vision_bed: Bed) -> None:
    other, one, *_ = vision_bed.trial.corpus
    alike = (other, *(replace(item, read=one.read) for item in vision_bed.trial.corpus[1:20]))
    bed = replace(vision_bed, trial=replace(vision_bed.trial, corpus=alike))
    with pytest.raises(BadEvaluation, match="any ranking would pass"):
        bed.judge(vision_bed.built.graph)


@pytest.mark.parametrize(("kept", "said"), [("inputs", "held-out input"), ("corpus", "product.* to find")])
@pytest.mark.parametrize("count", [0, 7])
def test_too_few_inputs_or_products_judge_nothing(vision_bed: Bed, kept: str, said: str, count: int) -> None:
    parts = {"inputs": vision_bed.trial.inputs, "corpus": vision_bed.trial.corpus}
    parts[kept] = parts[kept][:count]
    with pytest.raises(BadEvaluation, match=rf"vision tower: {count} .*{said}.*8 are needed"):
        Trial("vision", parts["inputs"], parts["corpus"])


def test_what_cannot_be_judged_with_is_refused(vision_bed: Bed) -> None:
    source = vision_bed.candidate("fp32", "source", vision_bed.built.graph)
    used = (vision_bed.trial, vision_bed.preparation, vision_bed.reference)
    with pytest.raises(ValueError, match="fp32 graph"):
        evaluate(*used, [replace(source, precision="int8")])
    with pytest.raises(ValueError, match="none for int8"):
        evaluate(*used, [source, replace(source, precision="int8")], bounds={"fp32": bounds_for("fp32")})
    with pytest.raises(ValueError, match="`seconds`"):
        Bench(seconds=float("nan"))
    with pytest.raises(ValueError, match="distinct"):
        Trial("vision", (vision_bed.trial.inputs[0],) * 8, vision_bed.trial.corpus)


def test_an_input_that_serving_refuses_is_named(vision_bed: Bed) -> None:
    torn = replace(vision_bed.trial.inputs[0], read=lambda: b"torn", label="photos/torn.jpg")
    bed = replace(vision_bed, trial=replace(vision_bed.trial, inputs=(torn, *vision_bed.trial.inputs[1:])))
    with pytest.raises(BadEvaluation, match=r"photos/torn\.jpg: cannot be served"):
        bed.judge(vision_bed.built.graph)
