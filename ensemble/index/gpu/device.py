"""The device that an index is searched on."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.index.gpu.errors import NoGpu

if TYPE_CHECKING:
    import torch

INTERPRET = "TRITON_INTERPRET"
# The kernels multiply float16 on tensor cores, and copy to shared memory while they do: since Ampere.
LEAST_CAPABILITY = (8, 0)
COMPILED = "triton-lang"


def device_here() -> torch.device:
    """The GPU that CUDA uses first; the CPU where kernels are interpreted, as tests do with ``TRITON_INTERPRET=1``.

    Raises:
        NoGpu: PyTorch, the Triton language or a GPU is missing, or the GPU is too old.
    """
    for package, what in (("torch", "PyTorch"), ("triton", "the Triton language")):
        if importlib.util.find_spec(package) is None:
            raise NoGpu(f"{what} is not installed: pip install 'tandem[gpu]'")
    import torch

    if is_interpreted():
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise NoGpu(f"PyTorch {torch.__version__} {_why_none()}")
    capability = torch.cuda.get_device_capability(0)
    if capability < LEAST_CAPABILITY:
        raise NoGpu(f"{torch.cuda.get_device_name(0)} is of compute capability {capability}; (8, 0) is the least")
    return torch.device("cuda", 0)


def start_compiler(folder: Path | None) -> None:
    """Have the Triton language load its part for CUDA, which it compiles with a C compiler where it is not kept.

    It would do so at the first launch: what is missing is told before anything is copied.

    Args:
        folder: Where what it compiles is kept for the next process; None for a folder of its own choice.
    """
    import triton
    from triton.runtime import driver

    if folder is not None:
        triton.knobs.cache.dir = str(folder / COMPILED)
    driver.active.get_current_device()


def _why_none() -> str:
    """What PyTorch says of a machine where it finds no GPU, such as that the driver is too old."""
    import torch

    if torch.version.cuda is None:
        return "is built without CUDA"
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        return f"finds no CUDA device: {error}"
    return "finds no CUDA device"


def is_interpreted() -> bool:
    """Whether kernels run on the CPU, step by step: far too slow for anything but tests."""
    return os.environ.get(INTERPRET, "").lower() in {"1", "true", "yes", "on", "y"}
