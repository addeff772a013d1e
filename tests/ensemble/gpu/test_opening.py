from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CalledProcessError
from typing import NoReturn

import numpy as np
import pytest
import torch

from ensemble.index import Index
from ensemble.index.choice import EngineChoice
from ensemble.index.gpu.engine import GpuEngine
from ensemble.index.gpu.errors import KernelFailed, NoGpu
from ensemble.index.gpu.opening import DRIVER
from tests.ensemble.journal_twin import TwinCatalogue

OPENING = "ensemble.index.gpu.opening"
# What the Triton language and PyTorch say where something is missing.
SAID: list[Exception] = [
    RuntimeError("Failed to find C compiler. Please specify via CC environment variable"),
    CalledProcessError(1, ["gcc", "-lcuda"]),
    AssertionError("libcuda.so cannot found!"),
    PermissionError(30, "Read-only file system", "/root/.triton"),
    RuntimeError("0 active drivers ([]). There should only be one."),
    ImportError("libcudart.so.12: cannot open shared object file"),
]


@pytest.fixture
def compiled(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a driver, where kernels are compiled."""
    monkeypatch.setattr(f"{OPENING}.DRIVER", (snapshot,))
    monkeypatch.setattr(f"{OPENING}.is_interpreted", lambda: False)


def raising(error: Exception) -> Callable[..., NoReturn]:
    def fail(*_: object) -> NoReturn:
        raise error

    return fail


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    catalogue = TwinCatalogue()
    for number in range(5):
        row = np.eye(catalogue.space.row_dim)[number % catalogue.space.row_dim]
        catalogue.upsert({"id": f"P{number}", "title": "x"}, row)
    catalogue.index().save(tmp_path)
    return tmp_path


def test_the_gpu_is_what_is_asked_for(snapshot: Path) -> None:
    index = Index.open(snapshot, engine=EngineChoice("gpu"))
    assert index.on_gpu
    assert index.choice_again == EngineChoice("gpu")


def test_auto_is_main_memory_where_kernels_would_be_interpreted(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.index.gpu.opening.DRIVER", (snapshot,))
    index = Index.open(snapshot, engine=EngineChoice("auto"))
    assert not index.on_gpu
    assert index.choice_again == EngineChoice("cpu")


@pytest.mark.skipif(any(path.exists() for path in DRIVER), reason="this machine has an NVIDIA driver")
def test_auto_is_main_memory_on_a_machine_without_a_gpu(snapshot: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        assert not Index.open(snapshot, engine=EngineChoice("auto")).on_gpu
    assert "searched in main memory: this machine has no NVIDIA driver" in caplog.text


@pytest.mark.parametrize(
    ("missing", "told"), [("torch", "PyTorch is not installed"), ("triton", "the Triton language is not installed")]
)
def test_a_package_that_is_missing_is_named(
    snapshot: Path, missing: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == missing else find(name))
    with pytest.raises(NoGpu, match=re.escape(f"{told}: pip install 'tandem[gpu]'")):
        Index.open(snapshot, engine=EngineChoice("gpu"))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(("step", "kind"), [("device_here", NoGpu), ("start_compiler", KernelFailed)])
@pytest.mark.parametrize("said", SAID, ids=str)
def test_what_is_missing_is_a_reason_for_auto_and_an_error_for_the_gpu(
    snapshot: Path, step: str, kind: type[Exception], said: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{OPENING}.{step}", raising(said))
    assert not Index.open(snapshot, engine=EngineChoice("auto")).on_gpu
    with pytest.raises(kind, match=re.escape(f"{type(said).__name__}: {said}")) as caught:
        Index.open(snapshot, engine=EngineChoice("gpu"))
    assert caught.value.__cause__ is said


@pytest.mark.usefixtures("compiled")
def test_what_nobody_thought_of_keeps_auto_in_main_memory_and_is_logged(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(f"{OPENING}.start_compiler", raising(ValueError("no one knows")))
    given_back: list[BaseException | None] = []
    monkeypatch.setattr("ensemble.index.engines.release", lambda: given_back.append(sys.exception()))
    index = Index.open(snapshot, engine=EngineChoice("auto"))
    assert not index.on_gpu
    (record,) = [one for one in caplog.records if one.levelname == "WARNING"]
    assert record.exc_info is not None
    assert "searched in main memory: no one knows" in record.getMessage()
    assert given_back == [None]
    with pytest.raises(ValueError, match="no one knows"):
        Index.open(snapshot, engine=EngineChoice("gpu"))


@pytest.mark.usefixtures("compiled")
def test_a_driver_that_is_too_old_is_told(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "init", raising(RuntimeError("The NVIDIA driver on your system is too old")))
    with pytest.raises(NoGpu, match="finds no CUDA device: The NVIDIA driver on your system is too old"):
        Index.open(snapshot, engine=EngineChoice("gpu"))


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(("products", "rows"), [(0, 1), (5, 5)])
def test_kernels_are_compiled_before_the_first_row_comes(
    snapshot: Path, products: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready: list[tuple[int, int]] = []
    monkeypatch.setattr(f"{OPENING}.start_compiler", lambda _folder: None)
    monkeypatch.setattr(GpuEngine, "warm", lambda engine, *_: ready.append((engine.rows.count, engine.row_dim)))
    if not products:
        TwinCatalogue().index().save(snapshot)
    index = Index.open(snapshot, engine=EngineChoice("gpu"))
    assert index.on_gpu
    assert len(index.slots) == products
    assert ready == [(rows, index.slots.row_dim)]
