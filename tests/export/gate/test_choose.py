"""The precision rule, and verdicts on disk."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from export.errors import BadEvaluation, GateFailed
from export.gate.choose import choose
from export.gate.stored import as_dict, from_dict
from export.gate.values import BATCHES, Failure, Figures, Labelled, Verdict, Worst
from export.precision.candidates import Candidate

LOW = Failure("cosine_p01", 0.95, 0.98, ("0.9412  'red mug'", "0.9433  'blue chair'"))
MOVED = Failure("batch_distance", 0.2, 1e-3, ("0.2  'red mug'",), at_least=False)


def verdict(name: str, ratio: float | tuple[float, ...], *failures: Failure) -> Verdict:
    precision, _, recipe = name.partition("-")
    ratios = (ratio,) * 3 if isinstance(ratio, float) else ratio
    figures = Figures(
        cosine_mean=0.99,
        cosine_p01=0.98,
        cosine_min=0.97,
        recall_at_10=0.96,
        recall_at_100=0.95,
        k_at_10=10,
        k_at_100=40,
        batch_distance=1e-5,
        norm_error=1e-7,
        preparation=0.25,
        spread=0.5,
        latency_ms=dict(zip(BATCHES, (1.0, 4.0, 9.0), strict=True)),
        latency_ratio=dict(zip(BATCHES, ratios, strict=True)),
        inputs=2,
        products=81,
        bytes=1234,
    )
    worst = (Worst("'red mug'", 0.97), Worst("'blue chair'", 0.98))
    return Verdict(Candidate(precision, recipe, Path(f"{name}.onnx")), figures, failures, worst, (0.98, 0.97))


FP32 = verdict("fp32-source", 1.0)
FP16 = verdict("fp16-islands", 0.8)
FAST = verdict("int8-dynamic", 0.4, LOW, MOVED)
SLOWER = verdict("int8-static", 0.6)


def test_auto_takes_the_fastest_that_passes() -> None:
    choice = choose([FP32, FP16, FAST, SLOWER], tower="text")
    assert (choice.verdict, choice.asked, choice.fell_back) == (SLOWER, "auto", None)


def test_auto_takes_nothing_that_is_slower_than_fp32() -> None:
    assert choose([FP32, verdict("int8-static", (0.5, 1.5, 2.0))], tower="text").verdict == FP32


def test_speed_is_the_geometric_mean_over_the_batches() -> None:
    assert verdict("int8-a", (0.5, 1.0, 2.0)).figures.speed == pytest.approx(1)
    assert Figures(latency_ratio={1: 0.5, 8: 0.5}).speed == math.inf
    assert Figures(latency_ratio={1: 0.5, 8: math.nan, 32: 0.5}).speed == math.inf
    assert verdict("int8-a", (0.5, 1.0, 0.25)).figures.throughput_ratio_b32 == 4


def test_one_without_latencies_is_never_chosen() -> None:
    assert choose([FP32, verdict("int8-a", (math.nan, 0.1, 0.1))], tower="text").verdict == FP32
    with pytest.raises(GateFailed, match="latency_ratio is nan"):
        choose([verdict("int8-a", (math.nan, 0.1, 0.1))], "int8", tower="text")


def test_what_is_asked_for_is_taken_or_the_gate_fails() -> None:
    assert choose([FP32, FP16, FAST, SLOWER], "fp16", tower="text").verdict == FP16
    with pytest.raises(GateFailed) as caught:
        choose([FP32, FP16, FAST], "int8", tower="text", report=Path("var/releases/0002/report.html"))
    assert str(caught.value) == (
        "text tower, int8-dynamic: cosine_p01 is 0.95; at least 0.98 is asked. Worst inputs:\n"
        "  0.9412  'red mug'\n  0.9433  'blue chair'\n"
        "All figures: var/releases/0002/report.html"
    )
    assert caught.value.report == Path("var/releases/0002/report.html")


def test_the_one_that_came_nearest_is_named() -> None:
    near = verdict("int8-static", 0.7, MOVED)
    with pytest.raises(GateFailed, match=r"int8-static: batch_distance is 0\.2; at most 0\.001 is allowed"):
        choose([FP32, FAST, near], "int8", tower="text")


def test_falling_back_goes_down_the_list_and_is_recorded() -> None:
    choice = choose([FP32, FP16, FAST], "int8", allow_fallback=True, tower="text")
    assert choice.verdict == FP16
    assert choice.fell_back == (
        "int8-dynamic: cosine_p01 is 0.95, at least 0.98 is asked; batch_distance is 0.2, at most 0.001 is asked; "
        "fp16-islands serves instead"
    )
    bad = replace(FP16, failures=(LOW,))
    assert choose([FP32, bad, FAST], "int8", allow_fallback=True, tower="text").verdict == FP32
    assert choose([FP32, FAST, SLOWER], "int8", allow_fallback=True, tower="text").fell_back is None


def test_nothing_is_left_when_fp32_fails_too() -> None:
    broken = replace(FP32, failures=(LOW,))
    with pytest.raises(GateFailed, match="fp32-source"):
        choose([broken, FAST], "int8", allow_fallback=True, tower="text")
    with pytest.raises(GateFailed, match="fp32-source"):
        choose([broken, FAST], tower="text")


@pytest.mark.parametrize("asked", ["auto", "int8"])
def test_nothing_serves_where_fp32_itself_fails(asked: str) -> None:
    wrong = verdict("fp32-source", 1.0, LOW)
    with pytest.raises(GateFailed, match="text tower, fp32-source: cosine_p01"):
        choose([wrong, SLOWER], asked, tower="text")


def test_why_there_is_none_of_a_precision_is_told() -> None:
    with pytest.raises(BadEvaluation, match="int8-modelopt-max: run `make modelopt`"):
        choose([FP32], "int8", tower="text", failed={"int8-modelopt-max": "run `make modelopt`"})


def test_what_cannot_be_chosen_is_refused() -> None:
    with pytest.raises(ValueError, match="must be one of auto, int8, fp16, fp32, got 'int4'"):
        choose([FP32], "int4", tower="text")
    with pytest.raises(BadEvaluation, match="text tower: there is no fp16 candidate"):
        choose([FP32], "fp16", tower="text")
    with pytest.raises(BadEvaluation, match="no auto candidate"):
        choose([], tower="text")


def test_a_precision_without_graphs_is_fallen_back_from() -> None:
    choice = choose([FP32, FP16], "int8", allow_fallback=True, tower="text")
    assert (choice.verdict, choice.fell_back) == (FP16, "no int8 graph was judged; fp16-islands serves instead")


@pytest.mark.parametrize("one", [SLOWER, FAST])
def test_a_verdict_comes_back_from_json_as_it_was(one: Verdict) -> None:
    labelled = Labelled(50, {1: 0.5, 5: 0.7, 10: 0.9}, {1: 0.4, 5: 0.7, 10: 0.8})
    one = replace(one, figures=replace(one.figures, labelled=labelled))
    content = json.loads(json.dumps(as_dict(one, cosines=True), allow_nan=False))
    assert from_dict(content, one.candidate.graph) == one


def test_the_manifest_has_the_keys_that_are_promised() -> None:
    content = as_dict(FAST)
    promised = (
        "precision recipe cosine_mean cosine_p01 cosine_min recall_at_10 recall_at_100 latency_ratio_b1 "
        "latency_ratio_b8 latency_ratio_b32 passed"
    )
    assert set(promised.split()) <= set(content)
    assert content["passed"] is False
    assert "cosines" not in content
    assert content["failures"][0]["worst"] == list(LOW.worst)


def test_what_is_not_a_number_is_null_and_comes_back_as_such() -> None:
    one = Verdict(Candidate("int8", "torn", Path("x")), Figures(), (Failure("spread", math.nan, 1e-3, ()),))
    content = json.loads(json.dumps(as_dict(one, cosines=True), allow_nan=False))
    assert content["cosine_min"] is None
    back = from_dict(content, Path("x"))
    assert math.isnan(back.figures.cosine_min)
    assert (back.passed, back.figures.speed) == (False, math.inf)


@pytest.mark.parametrize("damage", [{"passed": True}, {"precision": "int4"}, {"failures": None}, {"worst": [1]}])
def test_a_damaged_verdict_is_refused(damage: dict[str, object]) -> None:
    with pytest.raises(BadEvaluation, match="judge again"):
        from_dict({**as_dict(FAST), **damage}, Path("x"))
    with pytest.raises(BadEvaluation, match="recall_at_10"):
        from_dict({name: value for name, value in as_dict(FAST).items() if name != "recall_at_10"}, Path("x"))
