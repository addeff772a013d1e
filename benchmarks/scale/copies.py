"""One copy of the catalogue on the machine or machines that hold it: its memory, and how long its batches take."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np
from numpy.typing import NDArray

from benchmarks.scale.figures import CPU_PRODUCTS, Inputs
from benchmarks.scale.memory import CPU_DIM, on_device, on_host
from benchmarks.scale.model import GB, Assumptions, Demand, Device, Mark, Rows
from benchmarks.scale.scanning import Scans

REQUESTS = 6_000
SEED = 5


@dataclass(frozen=True)
class Option:
    """One way to serve.

    Args:
        device: The GPU; None for the CPU engine.
        rows: How it keeps rows.
    """

    device: Device | None = None
    rows: Rows | None = None

    def __post_init__(self) -> None:
        if (self.device is None) != (self.rows is None):
            raise ValueError("a GPU and how it keeps rows go together; give both, or neither for the CPU engine")


@dataclass(frozen=True)
class Copy:
    """One copy of the catalogue.

    Args:
        inputs: What was measured.
        assumed: What was not.
        demand: What is asked.
        option: How it is served.
        gpus: That it is spread over, in equal shards; 0 for the CPU engine.
    """

    inputs: Inputs
    assumed: Assumptions
    demand: Demand
    option: Option
    gpus: int

    @property
    def machines(self) -> int:
        """That hold it."""
        return max(1, ceil(self.gpus / self.assumed.cards))

    @property
    def shard(self) -> int:
        """Products of one GPU."""
        return ceil(self.demand.products / max(1, self.gpus))

    @property
    def device_gb(self) -> float:
        """Used on each GPU, the snapshot that is adopted included."""
        if self.option.rows is None:
            return 0.0
        columns = int(self.inputs.column_count.value)
        each = sum(on_device(self.demand.dim, self.option.rows, columns, self.assumed).values())
        return self.assumed.held * self.shard * each / GB

    @property
    def host_gb(self) -> float:
        """Used in each machine, mapped files and the snapshot that is adopted included."""
        each = on_host(self.demand.dim, self.option.rows, self.inputs)
        return self.assumed.held * self.demand.products * each / self.machines / GB

    @property
    def encoding_cores(self) -> int:
        """Cores of a machine that are left for encoding."""
        searching = 0 if self.option.device else self.assumed.engine_threads
        return self.assumed.cores - self.assumed.kept_cores - searching

    @cached_property
    def mark(self) -> Mark:
        """Where the time of a search comes from."""
        return Mark.EXTRAPOLATED if self._scans is None else self._scans.mark(self.shard)

    @cached_property
    def capacity(self) -> float:
        """Requests a second of batches that are always full."""
        most = self.assumed.most_batch
        firsts = range(0, REQUESTS - most, most) if self._scans is None else (0,)
        return most * len(firsts) / sum(self.service_s(first, most) for first in firsts)

    @property
    def alone_s(self) -> float:
        """Seconds of a batch of one; with the CPU engine, of a query like most."""
        search = float(np.median(self._query_s)) if self._scans is None else self._scan_s[0]
        return self.host_s(1) + search

    def service_s(self, first: int, count: int) -> float:
        """Seconds of a batch in ``retrieve``: its Python, and one search for all of it."""
        if self._scans is not None:
            return self.host_s(count) + self._scan_s[count - 1]
        taken = self._query_s[first : first + count]
        return self.host_s(count) + max(float(taken.sum()) / self.assumed.engine_threads, float(taken.max()))

    def host_s(self, count: int) -> float:
        """Seconds of Python for a batch; one request after another."""
        each = self.inputs.hop_ms.value + self.inputs.each_ms.value
        return 1e-3 * (self.inputs.retrieve_ms.value + count * each)

    @cached_property
    def _scans(self) -> Scans | None:
        device, rows = self.option.device, self.option.rows
        if device is None or rows is None:
            return None
        return Scans(device, self.demand.dim, rows, self.inputs.gpu, self.assumed)

    @cached_property
    def _scan_s(self) -> list[float]:
        """Seconds of a scan by batch, on all GPUs at once."""
        network = self.assumed.network_ms if self.machines > 1 else 0.0
        sizes = range(1, self.assumed.most_batch + 1)
        return [1e-3 * (self._scans.ms(self.shard, size) + network) for size in sizes] if self._scans else []

    @cached_property
    def _query_s(self) -> NDArray[np.float64]:
        """Seconds of each query in the CPU engine, spread as they were measured.

        Time is taken to grow with rows and dimensions, of which the engine looks at a shrinking part: an upper bound.
        """
        more = self.demand.products / CPU_PRODUCTS * self.demand.dim / CPU_DIM
        drawn = np.random.default_rng(SEED).uniform(0, 100, REQUESTS)
        percentiles, ms = np.array(self.inputs.searches, float).T
        return np.interp(drawn, percentiles, 1e-3 * more * ms)
