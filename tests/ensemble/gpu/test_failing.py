"""What PyTorch, the Triton language and CUDA say, told as errors of this package."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from triton.runtime.errors import OutOfResources

from ensemble.errors import InvalidInput, Unavailable
from ensemble.index.gpu import device
from ensemble.index.gpu.errors import DeviceLost, GpuError, KernelFailed, NoGpu, OutOfDeviceMemory, translating

RAISED: list[tuple[Exception, type[GpuError], str]] = [
    (torch.OutOfMemoryError("CUDA out of memory."), OutOfDeviceMemory, "copying: 1,000 bytes of device memory needed"),
    (RuntimeError("Triton Error [CUDA]: out of memory"), OutOfDeviceMemory, "an unknown number of bytes free"),
    (OutOfResources(300_000, 232_448, "shared memory"), KernelFailed, "copying: OutOfResources: .*232448"),
    (RuntimeError("Triton Error [CUDA]: an illegal memory access"), DeviceLost, "copying: Triton Error"),
    (RuntimeError("CUDA error: unspecified launch failure"), DeviceLost, "unspecified launch failure"),
    (torch.AcceleratorError("device-side assert triggered"), DeviceLost, "device-side assert"),
]


@pytest.mark.parametrize(("raised", "expected", "message"), RAISED, ids=lambda one: getattr(one, "__name__", None))
def test_translated(raised: Exception, expected: type[GpuError], message: str) -> None:
    with pytest.raises(expected, match=message) as caught, translating("copying", needed=1_000):
        raise raised
    assert caught.value.__cause__ is raised
    assert isinstance(caught.value, Unavailable)


@pytest.mark.parametrize("raised", [InvalidInput("query", "NaN"), NoGpu("none"), ValueError("rows"), RuntimeError("?")])
def test_others_pass(raised: Exception) -> None:
    with pytest.raises(type(raised)) as caught, translating("copying"):
        raise raised
    assert caught.value is raised


def test_the_interpreters_device_is_the_cpu() -> None:
    assert device.device_here() == torch.device("cpu")


@pytest.mark.parametrize("package", ["torch", "triton"])
def test_a_package_that_is_missing_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = device.importlib.util.find_spec  # type: ignore[attr-defined]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else found(name))
    with pytest.raises(NoGpu, match="is not installed: pip install"):
        device.device_here()


def test_a_machine_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(device.INTERPRET)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(NoGpu, match=r"is built without CUDA|finds no CUDA device"):
        device.device_here()


def test_an_old_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(device.INTERPRET)
    known: dict[str, Any] = {"is_available": True, "get_device_capability": (7, 5), "get_device_name": "Tesla T4"}
    for name, answer in known.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer: answer)
    with pytest.raises(NoGpu, match=r"Tesla T4 is of compute capability \(7, 5\); \(8, 0\) is the least"):
        device.device_here()


def test_errors_are_there_without_pytorch() -> None:
    """The choice of an engine needs them where no GPU is thought of."""
    code = "import sys; import ensemble.index.gpu.errors; sys.exit('torch' in sys.modules or 'triton' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
