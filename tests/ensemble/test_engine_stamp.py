from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ensemble.engine_stamp import EngineStamp, compute_capabilities, read_stamps, stamp_path
from ensemble.errors import DamagedRelease

H200 = EngineStamp(
    plan="model_sm90.plan",
    plan_sha256="0" * 64,
    graph="model.onnx",
    graph_sha256="1" * 64,
    precision="fp16",
    tensorrt="10.16.1.11",
    gpu="NVIDIA H200",
    compute_capability="9.0",
    driver="580.65.06",
)
L4 = replace(H200, plan="model_sm89.plan", gpu="NVIDIA L4", compute_capability="8.9")


def _compatible(version: str, **options: Any) -> EngineStamp:
    return replace(H200, tensorrt=version, options={"version_compatible": True} | options)


def test_a_stamp_is_read_back(tmp_path: Path) -> None:
    path = H200.save(tmp_path)
    assert path == stamp_path(tmp_path / "model_sm90.plan") == tmp_path / "model_sm90.engine.json"
    assert EngineStamp.load(path) == H200
    assert [file.name for file in tmp_path.iterdir()] == ["model_sm90.engine.json"]


def test_engines_of_several_gpus_lie_side_by_side(tmp_path: Path) -> None:
    for stamp in (H200, L4, replace(L4, plan="gone.plan", compute_capability="8.6")):
        stamp.save(tmp_path)
    for stamp in (H200, L4):
        (tmp_path / stamp.plan).write_bytes(b"plan")
    assert compute_capabilities(tmp_path) == {"8.9": "model_sm89.plan", "9.0": "model_sm90.plan"}
    assert compute_capabilities(tmp_path / "nothing") == {}
    assert read_stamps(tmp_path) == [L4, H200]


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"plan": "x"})])
def test_what_is_no_stamp_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "model.engine.json"
    path.write_text(content)
    with pytest.raises(DamagedRelease, match="not the stamp of an engine"):
        EngineStamp.load(path)


@pytest.mark.parametrize(
    "changes",
    [{"plan": "../model.plan"}, {"tensorrt": "new"}, {"compute_capability": "sm90"}, {"format": 2},
     {"options": {"hardware_compatibility": "all"}}],
)  # fmt: skip
def test_a_stamp_that_cannot_be_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be"):
        replace(H200, **changes)


@pytest.mark.parametrize(
    ("stamp", "tensorrt", "fits"),
    [
        (H200, "10.16.1.11", True),
        (H200, "10.16.1.11.post1", True),
        (H200, "10.16.1.12", False),
        (H200, "11.4.0.106", False),
        (replace(H200, tensorrt="8.6.1"), "8.6.1", True),
        (_compatible("10.16.1.11"), "10.16.2.0", True),
        (_compatible("10.16.1.11"), "10.15.0.1", False),
        (_compatible("10.16.1.11"), "11.4.0.106", True),
        (_compatible("8.6.1"), "10.16.1.11", True),
        (_compatible("8.6.1"), "11.4.0.106", False),
        (_compatible("8.5.3"), "10.16.1.11", False),
        (_compatible("11.4.0.106"), "10.16.1.11", False),
    ],
)
def test_the_version_must_be_the_same_unless_the_engine_is_compatible(
    stamp: EngineStamp, tensorrt: str, fits: bool
) -> None:
    assert (stamp.mismatches(tensorrt, "9.0") == ()) is fits


@pytest.mark.parametrize(
    ("level", "here", "fits"),
    [
        ("none", "9.0", True),
        ("none", "8.9", False),
        ("same_compute_capability", "9.0", True),
        ("same_compute_capability", "10.0", False),
        ("ampere_plus", "8.0", True),
        ("ampere_plus", "12.0", True),
        ("ampere_plus", "7.5", False),
    ],
)
def test_the_gpu_must_be_the_same_unless_the_engine_is_compatible(level: str, here: str, fits: bool) -> None:
    stamp = replace(H200, options={"hardware_compatibility": level})
    assert (stamp.mismatches("10.16.1.11", here) == ()) is fits


def test_every_mismatch_is_told() -> None:
    assert H200.mismatches("11.4.0.106", "8.9") == (
        "built with TensorRT 10.16.1.11; here is 11.4.0.106",
        "built for NVIDIA H200, compute capability 9.0; here is 8.9",
    )
