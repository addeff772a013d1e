"""From slots to an engine on the GPU that is ready for its first search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ensemble.index.builder import IndexBuilder
from ensemble.index.choice import EngineChoice
from ensemble.index.engine import Engine
from ensemble.index.gpu.device import device_here, is_interpreted, start_compiler
from ensemble.index.gpu.errors import KernelFailed, NoGpu, refused, translating
from ensemble.index.slots import Slots
from ensemble.index.terms import Terms
from ensemble.settings import SpaceSettings

if TYPE_CHECKING:
    import torch

# One of these is there where NVIDIA's driver is, on Linux and under Windows' Linux.
DRIVER = (Path("/dev/nvidiactl"), Path("/dev/dxg"))


def open_on_gpu(slots: Slots, choice: EngineChoice) -> tuple[Engine, Terms]:
    """Copy an index to the GPU, and compile and tune what searches it there.

    Args:
        slots: The index; it stays in main memory too.
        choice: How large batches and answers may be, and where what was compiled and tuned is kept.

    Raises:
        NoGpu: There is no GPU that can be used, or a package is missing.
        OutOfDeviceMemory: The index does not fit.
        KernelFailed: A kernel cannot be compiled, or what compiles it is missing.
    """
    # PyTorch takes seconds and a quarter of a GB: a machine without a GPU is spared it.
    if choice.name == "auto" and not any(path.exists() for path in DRIVER):
        raise NoGpu("this machine has no NVIDIA driver")
    if choice.name == "auto" and is_interpreted():
        raise NoGpu("kernels are interpreted in this process, which is slower than main memory by far")
    with refused(NoGpu, "the GPU cannot be used"):
        device = device_here()
    with refused(KernelFailed, "the GPU cannot be made ready"), translating("making the GPU ready"):
        if not is_interpreted():
            start_compiler(choice.cache)
        return _opened(slots, choice, device)


def _opened(slots: Slots, choice: EngineChoice, device: torch.device) -> tuple[Engine, Terms]:
    from ensemble.index.gpu.engine import GpuEngine
    from ensemble.index.gpu.terms import GpuTerms

    def made(slots: Slots) -> tuple[GpuEngine, GpuTerms]:
        terms = GpuTerms(slots, device)
        return GpuEngine(slots, terms, rows="int8" if choice.name == "gpu-int8" else "float16", device=device), terms

    engine, terms = made(slots)
    if not is_interpreted():
        # What is compiled is the process's: the first rows of an index that has none yet find it there.
        ready = engine if len(slots) else made(_one_row(slots.row_dim))[0]
        ready.warm(range(1, choice.most_rows + 1), choice.most_k, choice.cache)
    return engine, terms


def _one_row(row_dim: int) -> Slots:
    """A product whose row is zeros."""
    builder = IndexBuilder(SpaceSettings("", row_dim - 1, 1))
    builder.add([{"id": "none"}], np.zeros((1, row_dim), np.float32))
    return builder.build()
