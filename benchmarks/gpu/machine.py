"""The GPU that is measured, and how fast it reads its memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.figures import processor
from ensemble.index.gpu.device import device_here, is_interpreted

COPIED_BYTES = 2 * 10**9
INTERPRETED_BYTES = 2 * 10**6
RUNS = 20


@dataclass(frozen=True)
class Bandwidth:
    """What the memory of a GPU gives, in GB (10**9 bytes) a second.

    Args:
        copy: Copying on the device, bytes read and bytes written together.
        read: Reading alone, for a sum.
    """

    copy: float
    read: float

    @property
    def best(self) -> float:
        """What the roofline is drawn from."""
        return max(self.copy, self.read)


@dataclass(frozen=True)
class Machine:
    """Where it is measured.

    Args:
        device: The first GPU; the CPU where kernels are interpreted, whose times say nothing.
        name: Of the GPU.
    """

    device: torch.device
    name: str

    @classmethod
    def here(cls) -> Machine:
        """This machine.

        Raises:
            NoGpu: It has no GPU that can be used, or a package is missing; says which.
        """
        device = device_here()
        return cls(device, torch.cuda.get_device_name(device) if device.type == "cuda" else processor())

    @property
    def is_interpreted(self) -> bool:
        """Whether there is no GPU behind it."""
        return is_interpreted()

    def finish(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def used(self) -> int:
        """Bytes of device memory that are taken, by whatever library; 0 without a GPU."""
        if self.device.type != "cuda":
            return 0
        self.finish()
        torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info(self.device)
        return total - free

    def free(self) -> int:
        """Bytes of device memory that nobody has taken; without a GPU, of main memory."""
        if self.device.type != "cuda":
            return host_free()
        torch.cuda.empty_cache()
        return torch.cuda.mem_get_info(self.device)[0]

    def milliseconds(self, work: Callable[[], object]) -> float:
        """How long the device takes for what ``work`` gives it in the current stream."""
        if self.device.type != "cuda":
            started = time.perf_counter()
            work()
            return 1000 * (time.perf_counter() - started)
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        start.record()
        work()
        end.record()
        end.synchronize()
        return float(start.elapsed_time(end))

    def bandwidth(self) -> Bandwidth:
        """Measure it: the median of some runs over 2 GB, more than any cache holds."""
        count = (INTERPRETED_BYTES if self.is_interpreted else COPIED_BYTES) // 4
        source = torch.ones(count, dtype=torch.float32, device=self.device)
        target = torch.empty_like(source)
        copy = self._median(lambda: target.copy_(source))
        read = self._median(source.sum)
        return Bandwidth(2 * source.nbytes / copy / 1e6, source.nbytes / read / 1e6)

    def _median(self, work: Callable[[], object]) -> float:
        taken = [self.milliseconds(work) for _ in range(RUNS)]
        return statistics.median(taken[RUNS // 4 :])


def host_free() -> int:
    """Bytes of main memory that can be had."""
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
