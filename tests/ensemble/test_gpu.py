"""What is found on a machine without GPU; on one with, there is nothing to see here."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from ensemble import gpu
from ensemble.errors import EngineFault
from ensemble.gpu import UNKNOWN, Gpu, driver_here, gpu_here, tensorrt_here
from ensemble.gpu_memory import CudaMemory

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Have a program of that name say so."""
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


@without_gpu
def test_there_is_none() -> None:
    assert gpu_here() is None
    with pytest.raises(EngineFault, match="CUDA finds none here"):
        CudaMemory()


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (
            "echo 'NVIDIA H200, 9.0, 580.65.06'; echo 'NVIDIA L4, 8.9, 580.65.06'",
            Gpu("NVIDIA H200", "9.0", "580.65.06"),
        ),
        ("echo No devices were found; exit 6", None),
        ("echo nothing, of, this", None),
    ],
)
def test_without_torch_the_driver_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, found: Gpu | None
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    nvidia_smi(tmp_path, monkeypatch, answer)
    assert gpu_here() == found
    with pytest.raises(EngineFault, match="need PyTorch"):
        CudaMemory()


def test_the_gpu_is_the_one_that_cuda_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda number: (9, 0))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: "NVIDIA H200")
    monkeypatch.setattr(gpu, "driver_here", lambda: "580.65.06")
    assert gpu_here() == Gpu("NVIDIA H200", "9.0", "580.65.06")


def test_a_compute_capability_has_two_numbers() -> None:
    with pytest.raises(ValueError, match=r"MAJOR\.MINOR, got '90'"):
        Gpu("NVIDIA H200", "90")


@pytest.mark.parametrize(
    ("answer", "driver"), [("echo 580.65.06", "580.65.06"), ("exit 9", UNKNOWN), ("true", UNKNOWN)]
)
def test_the_driver_is_what_nvidia_smi_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, driver: str
) -> None:
    nvidia_smi(tmp_path, monkeypatch, answer)
    assert driver_here() == driver


def test_the_images_tensorrt_goes_before_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", SimpleNamespace(__version__="11.4.0.106"))
    monkeypatch.delenv("TRT_VERSION", raising=False)
    assert tensorrt_here() == "11.4.0.106"
    monkeypatch.setenv("TRT_VERSION", "10.13.3.9+cuda13.0")
    assert tensorrt_here() == "10.13.3.9"


def test_without_tensorrt_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRT_VERSION", raising=False)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert tensorrt_here() is None
