"""What is told on a machine that cannot build engines."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from export.engines import build
from export.engines.build import build_engine, plan_name
from export.engines.options import EngineOptions, vision_profiles
from export.errors import EngineFailed

OPTIONS = EngineOptions(vision_profiles(16))


def test_a_plan_is_named_after_its_gpu() -> None:
    assert [plan_name(capability) for capability in ("7.5", "9.0", "12.1")] == [
        "model_sm75.plan",
        "model_sm90.plan",
        "model_sm121.plan",
    ]


def test_without_tensorrt_the_error_says_how_to_get_it(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(EngineFailed, match=r"TensorRT cannot be loaded .*pip install 'tandem\[tensorrt\]'"):
        build_engine(graph, tmp_path / "out", OPTIONS)


def test_a_tensorrt_that_is_too_old_is_refused(graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="8.4.1"))
    with pytest.raises(EngineFailed, match=r"too old: 8\.4\.1; 8\.6, 10 and 11"):
        build_engine(graph, tmp_path / "out", OPTIONS)


def test_without_a_gpu_nothing_is_built(graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(__version__="11.4.0.106", HardwareCompatibilityLevel=None)
    monkeypatch.setitem(sys.modules, "tensorrt", module)
    monkeypatch.setattr(build, "gpu_here", lambda: None)
    with pytest.raises(EngineFailed, match="CUDA finds none here"):
        build_engine(graph, tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()
