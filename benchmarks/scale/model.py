"""The values of the fleet: figures that say where they come from, devices, what is asked, and what is assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

GB = 1e9


class Mark(StrEnum):
    """Where a figure comes from, the surest first."""

    MEASURED = "measured"
    EXTRAPOLATED = "extrapolated"
    DATASHEET = "datasheet"
    ROOFLINE = "roofline"
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Figure:
    """A number and where it comes from.

    Args:
        value: Finite, not negative.
        unit: What it counts.
        mark: How far it can be trusted.
        source: The file that has it, or why it is assumed.
    """

    value: float
    unit: str
    mark: Mark
    source: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and self.value >= 0):
            raise ValueError(f"{self.source}: a finite figure of at least 0 is needed, got {self.value}")


class Rows(StrEnum):
    """How the GPU engine keeps rows."""

    FLOAT16 = "float16"
    INT8 = "int8"
    INT8_HOST = "int8, float16 in host memory"

    @property
    def scanned_type(self) -> str:
        """What the first pass reads: the ``dtype`` of ``docs/results/gpu.json``."""
        return "float16" if self is Rows.FLOAT16 else "int8"


@dataclass(frozen=True)
class Device:
    """A GPU by its datasheet: dense rates without sparsity, 1 GB = 1e9 bytes.

    Args:
        name: As NVIDIA's driver names it, without the maker.
        memory_gb: Device memory.
        bandwidth_gb_s: Of that memory.
        float16_tflops: Of the tensor cores, sums in float32.
        host_gb_s: Of PCIe, one way.
    """

    name: str
    memory_gb: float
    bandwidth_gb_s: float
    float16_tflops: float
    host_gb_s: float

    def __post_init__(self) -> None:
        for name in ("memory_gb", "bandwidth_gb_s", "float16_tflops", "host_gb_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{self.name}: {name} must be above 0, got {getattr(self, name)}")


DEVICES = (
    Device("H200", 141, 4_800, 989, 64),
    Device("H100", 80, 3_350, 989, 64),
    Device("A100-80", 80, 2_039, 312, 32),
    Device("L40S", 48, 864, 362, 32),
    Device("L4", 24, 300, 121, 32),
)


@dataclass(frozen=True)
class Demand:
    """What a shop asks of its fleet.

    Args:
        products: In the catalogue.
        rate: Requests a second at the peak.
        dim: Length of a row.
        remembered: Share of requests whose vector a tower's cache still has.
    """

    products: int
    rate: float
    dim: int = 384
    remembered: float = 0.0

    def __post_init__(self) -> None:
        for name in ("products", "rate", "dim"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: must be above 0, got {getattr(self, name)}")
        if not 0 <= self.remembered <= 1:
            raise ValueError(f"remembered: must be from 0 to 1, got {self.remembered}")


@dataclass(frozen=True)
class Assumptions:
    """What nobody measured, and what is aimed at.

    Args:
        copied: Share of a datasheet's bandwidth that a plain copy reaches.
        reached: Share of that copy, and of the tensor cores' rate, that the scan aims at.
        launch_ms: Launches, merging and copying back of one batch.
        network_ms: More for a copy of the catalogue that spans machines.
        usable: Share of device memory for products; the rest is for growth and workspace.
        held: Indexes in memory at once: the one in use, and the snapshot that is adopted.
        filters: Distinct filters whose bits are kept.
        filter_columns: Columns that a filter reads, after every change of the catalogue.
        cards: GPUs of a machine.
        cores: Cores of a machine.
        kept_cores: Of these, for the server, ``retrieve``, the follower and the keeper.
        busy: Utilisation that is planned for.
        p99_ms: The slowest hundredth of requests may take this long.
        most_machines: A copy of the catalogue may span so many.
        engine_threads: Of the CPU engine.
        most_batch: Of Triton's dynamic batches.
        k: Products that a request wants.
    """

    copied: float = 0.9
    reached: float = 0.7
    launch_ms: float = 0.15
    network_ms: float = 0.5
    usable: float = 0.9
    held: int = 2
    filters: int = 64
    filter_columns: int = 2
    cards: int = 8
    cores: int = 32
    kept_cores: int = 4
    busy: float = 0.7
    p99_ms: float = 40.0
    most_machines: int = 4
    engine_threads: int = 8
    most_batch: int = 64
    k: int = 10
