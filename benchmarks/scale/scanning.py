"""How long a scan takes: measured where somebody did, else what must be read over the bandwidth, or computed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from benchmarks.scale.figures import GpuRow
from benchmarks.scale.memory import BIN
from benchmarks.scale.model import GB, Assumptions, Device, Mark, Rows


def bytes_read(products: int, dim: int, rows: Rows, batch: int, assumed: Assumptions) -> float:
    """Bytes that one scan moves in device memory, without rescoring.

    Rows are read once for the batch; each query has its own filter, whose columns changed since the batch before; the
    maximum of each bin of 64 is written once and read twice.
    """
    row = 2 * dim if rows is Rows.FLOAT16 else dim + 4
    return products * (row + batch / 8 + 8 * assumed.filter_columns + 12 * batch / BIN)


def bytes_rescored(dim: int, rows: Rows, batch: int, k: int) -> float:
    """Bytes of the float16 rows in the bins that are scored exactly."""
    bins = k + max(8, k // 4) if rows is Rows.FLOAT16 else 2 * k + 32
    return float(batch * bins * BIN * 2 * dim)


def operations(products: int, dim: int, rows: Rows, batch: int) -> float:
    """Operations of the tensor cores; float16 queries are multiplied in two halves, so that nothing is lost."""
    return 2.0 * products * dim * batch * (2 if rows is Rows.FLOAT16 else 1)


def roofline_ms(device: Device, products: int, dim: int, rows: Rows, batch: int, assumed: Assumptions) -> float:
    """A batch at the aimed share of the roofline (Williams et al. 2009), launches included, in milliseconds."""
    bandwidth = device.bandwidth_gb_s * GB * assumed.copied * assumed.reached
    link = device.host_gb_s * GB * assumed.copied if rows is Rows.INT8_HOST else bandwidth
    read_s = bytes_read(products, dim, rows, batch, assumed) / bandwidth
    computed_s = operations(products, dim, rows, batch) / (device.float16_tflops * 1e12 * assumed.reached)
    return 1e3 * (max(read_s, computed_s) + bytes_rescored(dim, rows, batch, assumed.k) / link) + assumed.launch_ms


class Scans:
    """Times of one device and one way to keep rows.

    Args:
        device: The GPU.
        dim: Length of a row.
        rows: How they are kept.
        measured: Scans of any device; those that fit go before the roofline.
        assumed: The roofline's shares.
    """

    def __init__(self, device: Device, dim: int, rows: Rows, measured: Iterable[GpuRow], assumed: Assumptions) -> None:
        self._device, self._dim, self._rows, self._assumed = device, dim, rows, assumed
        # Rows in host memory are rescored over another link than any that was measured.
        fits = [] if rows is Rows.INT8_HOST else [row for row in measured if self._fits(row)]
        self._points = {
            size: np.array(sorted((row.batch, row.ms) for row in fits if row.products == size), float)
            for size in sorted({row.products for row in fits})
        }

    def mark(self, products: int) -> Mark:
        """Where the times at this size come from."""
        if not self._points:
            return Mark.ROOFLINE
        return Mark.MEASURED if products in self._points else Mark.EXTRAPOLATED

    def ms(self, products: int, batch: int) -> float:
        """Milliseconds of a batch over ``products`` rows."""
        if not self._points:
            return roofline_ms(self._device, products, self._dim, self._rows, batch, self._assumed)
        times = [float(np.interp(batch, points[:, 0], points[:, 1])) for points in self._points.values()]
        sizes = list(self._points)
        # No rows take the launches alone; beyond the largest size time grows with the rows.
        within = np.interp(products, [0, *sizes], [self._assumed.launch_ms, *times])
        return float(within) * max(1.0, products / sizes[-1])

    def _fits(self, row: GpuRow) -> bool:
        named = self._device.name.split("-")[0] in re.split(r"[ -]", row.device)
        return named and row.dim == self._dim and row.dtype == self._rows.scanned_type
