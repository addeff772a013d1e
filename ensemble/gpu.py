"""What this machine runs engines with: its first GPU and its TensorRT, or nothing."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
from dataclasses import dataclass

UNKNOWN = "unknown"
_QUERY_S = 20


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Args:
        name: As the driver calls it, such as ``NVIDIA H200``.
        compute_capability: ``MAJOR.MINOR``, such as ``9.0``.
        driver: Version of the driver, such as ``580.65.06``; ``unknown`` where it cannot be asked.
    """

    name: str
    compute_capability: str
    driver: str = UNKNOWN

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d", self.compute_capability):
            raise ValueError(f"`compute_capability` must be MAJOR.MINOR, got {self.compute_capability!r}")


def gpu_here() -> Gpu | None:
    """The GPU that CUDA uses first on this machine; ``None`` where there is none.

    PyTorch is asked, since ``nvidia-smi`` may number the GPUs of a mixed machine in another order. Without PyTorch, as
    in Triton's image, it is the first that ``nvidia-smi`` names.
    """
    try:
        import torch
    except ImportError:
        return _gpu_by_driver()
    if not torch.cuda.is_available():
        return None
    major, minor = torch.cuda.get_device_capability(0)
    return Gpu(torch.cuda.get_device_name(0), f"{major}.{minor}", driver_here())


def driver_here() -> str:
    """Version of the NVIDIA driver; ``unknown`` where ``nvidia-smi`` cannot be asked."""
    return _ask_driver("driver_version") or UNKNOWN


def _gpu_by_driver() -> Gpu | None:
    answer = [part.strip() for part in _ask_driver("name,compute_cap,driver_version").rsplit(",", 2)]
    try:
        name, compute_capability, driver = answer
        return Gpu(name, compute_capability, driver)
    except ValueError:
        return None


def _ask_driver(fields: str) -> str:
    """What ``nvidia-smi`` says of the first GPU; empty where it cannot be asked."""
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_QUERY_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    return next((line.strip() for line in answer.splitlines() if line.strip()), "")


def tensorrt_here() -> str | None:
    """Version of the TensorRT that runs engines on this machine; ``None`` where there is none.

    NVIDIA's images name the one that their server is linked with in ``TRT_VERSION``; a Python package beside it may be
    another, and does not count.
    """
    named = os.environ.get("TRT_VERSION", "").partition("+")[0]
    if named:
        return named
    try:
        return str(importlib.import_module("tensorrt").__version__)
    except (ImportError, AttributeError, OSError):
        return None
