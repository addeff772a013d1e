"""What can go wrong on the GPU.

Unavailable
└── GpuError               the GPU cannot answer; main memory can
    ├── NoGpu              there is none, or a package that it needs is missing
    ├── OutOfDeviceMemory  its memory does not suffice
    ├── KernelFailed       a kernel could not be compiled or started
    └── DeviceLost         it failed while it worked, and this process cannot use it any more
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import SubprocessError

from ensemble.errors import Unavailable

# How the Triton language and PyTorch begin what they say of a failed call of CUDA, where its type does not tell.
CUDA_SAID = ("Triton Error [CUDA]", "CUDA error", "CUDA driver error", "HIP error")
# What the Triton language and PyTorch raise where a library, a C compiler or a folder that can be written is missing.
MISSING = (OSError, SubprocessError, ImportError)


class GpuError(Unavailable):
    """The GPU cannot answer."""


class NoGpu(GpuError):
    """There is no GPU that can be used; the message says what is missing."""


class OutOfDeviceMemory(GpuError):
    """The GPU's memory does not suffice; the message says how much was needed, and how much is free."""


class KernelFailed(GpuError):
    """A kernel could not be compiled or started; the message names it."""


class DeviceLost(GpuError):
    """The GPU failed while it worked; a process cannot use it again."""


@contextmanager
def translating(doing: str, *, needed: int | None = None) -> Iterator[None]:
    """Turn what PyTorch and the Triton language raise within into errors of this package; others pass.

    Args:
        doing: What is done within, for the message: ``the scan``, ``copying 1,000 rows``.
        needed: Bytes of device memory that it takes, where that is known.

    Raises:
        OutOfDeviceMemory: An allocation failed.
        KernelFailed: A kernel did not compile, or asks for more than the GPU has; or what compiles it is missing.
        DeviceLost: CUDA reported another error.
    """
    try:
        yield
    except Exception as error:
        translated = _translated(error, doing, needed)
        if translated is None:
            raise
        raise translated from error


@contextmanager
def refused(kind: type[GpuError], doing: str) -> Iterator[None]:
    """Give all that PyTorch and the Triton language say where they cannot start a kind; ``GpuError`` passes.

    They say much of it with plain errors: ``RuntimeError("Failed to find C compiler")``, ``AssertionError`` of a
    library that is not found.

    Args:
        kind: What is raised.
        doing: What is done within, for the message.

    Raises:
        GpuError: Of that kind, with the reason.
    """
    try:
        yield
    except (RuntimeError, AssertionError, *MISSING) as error:
        raise kind(f"{doing}: {type(error).__name__}: {_in_one_line(error)}") from error


def _translated(error: Exception, doing: str, needed: int | None) -> GpuError | None:
    if isinstance(error, MISSING):
        return KernelFailed(f"{doing}: {type(error).__name__}: {_in_one_line(error)}")
    import torch
    from triton.errors import TritonError

    said = _in_one_line(error)
    if isinstance(error, torch.OutOfMemoryError) or (said.startswith(CUDA_SAID) and "out of memory" in said):
        return OutOfDeviceMemory(f"{doing}: {_bytes(needed)} of device memory needed, {_bytes(_free())} free")
    if isinstance(error, TritonError):
        return KernelFailed(f"{doing}: {type(error).__name__}: {said}")
    if isinstance(error, torch.AcceleratorError) or (isinstance(error, RuntimeError) and said.startswith(CUDA_SAID)):
        return DeviceLost(f"{doing}: {said}")
    return None


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _free() -> int | None:
    """Bytes of device memory that nobody has taken."""
    import torch

    try:
        return torch.cuda.mem_get_info()[0]
    except (RuntimeError, AssertionError):
        return None


def _bytes(count: int | None) -> str:
    return "an unknown number of bytes" if count is None else f"{count:,} bytes"
