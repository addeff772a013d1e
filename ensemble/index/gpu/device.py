"""The device that an index is searched on."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from ensemble.index.gpu.errors import NoGpu

if TYPE_CHECKING:
    import torch

INTERPRET = "TRITON_INTERPRET"
# The kernels multiply float16 on tensor cores, and copy to shared memory while they do: since Ampere.
LEAST_CAPABILITY = (8, 0)


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
        built = "is built without CUDA" if torch.version.cuda is None else "finds no CUDA device"
        raise NoGpu(f"PyTorch {torch.__version__} {built}")
    capability = torch.cuda.get_device_capability(0)
    if capability < LEAST_CAPABILITY:
        raise NoGpu(f"{torch.cuda.get_device_name(0)} is of compute capability {capability}; (8, 0) is the least")
    return torch.device("cuda", 0)


def is_interpreted() -> bool:
    """Whether kernels run on the CPU, step by step: far too slow for anything but tests."""
    return os.environ.get(INTERPRET, "").lower() in {"1", "true", "yes", "on", "y"}
