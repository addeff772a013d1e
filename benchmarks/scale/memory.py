"""Bytes of a product, and how many products a GPU holds."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.scale.figures import Inputs
from benchmarks.scale.model import GB, Assumptions, Device, Rows

BIN = 64
# The rows of docs/results/retrieval.json.
CPU_DIM = 384
# Hashes, their order and where ids end, which are kept in memory beside the mapped files.
ID_TABLES = 20


def on_device(dim: int, rows: Rows, columns: int, assumed: Assumptions) -> Mapping[str, float]:
    """Bytes of a product on the GPU, by what they are for.

    Args:
        dim: Length of a row.
        rows: How rows are kept.
        columns: That filters and scores may ask for; float64 each.
        assumed: How many filters are kept, and the largest batch.
    """
    return {
        "float16 row": 0 if rows is Rows.INT8_HOST else 2 * dim,
        "int8 row and scale": 0 if rows is Rows.FLOAT16 else dim + 4,
        "columns": 8 * columns,
        "bits of kept filters": (assumed.filters + 1) / 8,
        "a business score": 4,
        "maxima of bins": 4 * assumed.most_batch / BIN,
    }


def products_a_device(device: Device, bytes_a_product: float, assumed: Assumptions, *, held: int) -> int:
    """How many products fit, with ``held`` indexes in memory at once."""
    return int(device.memory_gb * GB * assumed.usable / (held * bytes_a_product))


def on_host(dim: int, rows: Rows | None, inputs: Inputs) -> float:
    """Bytes of a product in a machine's memory, mapped files included.

    Args:
        dim: Length of a row.
        rows: How the GPU engine keeps them; None for the CPU engine.
        inputs: What was measured.
    """
    shown = inputs.documents.value
    if rows is None:
        return inputs.cpu_bytes.value + 2 * (dim - CPU_DIM) + shown
    kept = 2 * dim if rows is Rows.INT8_HOST else 0
    return kept + shown + inputs.ids.value + ID_TABLES + inputs.columns.value


def on_disk(dim: int, inputs: Inputs) -> float:
    """Bytes of a product in a snapshot, which holds what the CPU engine needs, whatever engine will search it."""
    parts = (inputs.documents, inputs.ids, inputs.columns, inputs.lists)
    return 2 * dim + sum(part.value for part in parts)
