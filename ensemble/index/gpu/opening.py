"""From slots to an engine on the GPU that is ready for its first search."""

from __future__ import annotations

from pathlib import Path

from ensemble.index.choice import EngineChoice
from ensemble.index.engine import Engine
from ensemble.index.gpu.errors import NoGpu
from ensemble.index.slots import Slots
from ensemble.index.terms import Terms

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
        KernelFailed: A kernel cannot be compiled.
    """
    # PyTorch takes seconds and a quarter of a GB: a machine without a GPU is spared it.
    if choice.name == "auto" and not any(path.exists() for path in DRIVER):
        raise NoGpu("this machine has no NVIDIA driver")
    from ensemble.index.gpu.device import device_here, is_interpreted
    from ensemble.index.gpu.engine import GpuEngine
    from ensemble.index.gpu.terms import GpuTerms

    if choice.name == "auto" and is_interpreted():
        raise NoGpu("kernels are interpreted in this process, which is slower than main memory by far")
    device = device_here()
    terms = GpuTerms(slots, device)
    engine = GpuEngine(slots, terms, rows="int8" if choice.name == "gpu-int8" else "float16", device=device)
    if not is_interpreted():
        engine.warm(range(1, choice.most_rows + 1), choice.most_k, choice.cache)
    return engine, terms
