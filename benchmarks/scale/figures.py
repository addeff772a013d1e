"""Reads what was measured from ``docs/results``: nothing measured is written down a second time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks.scale.model import Figure, Mark

DOCS = Path(__file__).parents[2] / "docs"
SCALE = Path("scale.json")
CPU_PRODUCTS = 500_000
OURS = "tandem"
OUR_SCANS = ("tandem-fp16", "tandem-int8")


@dataclass(frozen=True)
class GpuRow:
    """One measured scan.

    Args:
        device: The GPU's name.
        products: How many rows.
        dim: Their length.
        dtype: ``float16`` or ``int8``.
        batch: Queries that shared the scan.
        ms: From queries to answers.
    """

    device: str
    products: int
    dim: int
    dtype: str
    batch: int
    ms: float


@dataclass(frozen=True)
class Inputs:
    """What was measured.

    Args:
        tower_ms: Text tower in INT8, one query, one core.
        around_ms: Preprocessing, gRPC and the client's share.
        hop_ms: What Triton adds to ``retrieve`` for each request.
        retrieve_ms: Python of ``retrieve`` for a batch of no requests.
        each_ms: And for each request of it.
        search_p50_ms: Of the CPU engine over ``CPU_PRODUCTS``, at the pass rate where its slowest queries are slowest.
        search_p99_ms: The same, of the slowest hundredth.
        cpu_bytes: Resident bytes of a product with the CPU engine, at 384 dimensions.
        documents: Bytes of a product's document.
        ids: Of its id.
        columns: Of its columns on the host.
        lists: Of the CPU engine's files in a snapshot.
        column_count: How many columns it has.
        searches: Percentiles of the CPU engine's time at that pass rate, with their milliseconds.
        gpu: Scans on GPUs; none where nobody ran them.
    """

    tower_ms: Figure
    around_ms: Figure
    hop_ms: Figure
    retrieve_ms: Figure
    each_ms: Figure
    search_p50_ms: Figure
    search_p99_ms: Figure
    cpu_bytes: Figure
    documents: Figure
    ids: Figure
    columns: Figure
    lists: Figure
    column_count: Figure
    searches: tuple[tuple[float, float], ...]
    gpu: tuple[GpuRow, ...]

    def named(self) -> dict[str, Figure]:
        """The figures by name."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: figure for name, figure in found.items() if isinstance(figure, Figure)}


def read(docs: Path = DOCS) -> Inputs:
    """Read all figures.

    Args:
        docs: The folder with ``design.md`` and ``results``.

    Raises:
        FileNotFoundError: A document is missing.
        ValueError: It does not hold a figure; names both.
    """
    results = docs / "results"
    scale = json.loads((results / "scale.json").read_text("utf-8"))
    searches = _slowest(scale["search"]["ms"])
    return Inputs(
        **_request(docs),
        **_retrieve(scale["retrieve_ms"]),
        **_bytes(scale),
        search_p50_ms=_measured(dict(searches)[50], "ms", SCALE),
        search_p99_ms=_measured(dict(searches)[99], "ms", SCALE),
        cpu_bytes=_engine_bytes(results / "retrieval.json"),
        searches=searches,
        gpu=gpu_rows(results),
    )


def gpu_rows(results: Path) -> tuple[GpuRow, ...]:
    """Our scans of ``gpu.json``, where there is one; under the filters that took longest.

    Raises:
        ValueError: It does not tell the GPU's name.
    """
    path = results / "gpu.json"
    if not path.exists():
        return ()
    slowest: dict[tuple[str, int, int, str, int], float] = {}
    for row in json.loads(path.read_text("utf-8"))["rows"]:
        if row["engine"] not in OUR_SCANS:
            continue
        if not row.get("device"):
            raise ValueError(f'{path}: "device" of {row} is missing; the name of the GPU is needed, as "NVIDIA H200"')
        key = (row["device"], row["n"], row["dim"], row["dtype"], row["batch"])
        slowest[key] = max(slowest.get(key, 0.0), row["ms"])
    return tuple(GpuRow(*key, ms) for key, ms in slowest.items())


def _request(docs: Path) -> dict[str, Figure]:
    precision, request, design = docs / "results" / "precision.md", docs / "results" / "request.md", docs / "design.md"
    full = _found(precision, r"\| text \| fp32 \|.*\| 1 \(([\d.]+) ms\)")
    share = _found(precision, r"\| \| \*\*int8 [^|]+\*\* \|.*\| ([\d.]+) / [\d.]+ / [\d.]+ \|")
    prepared = _found(request, r"\| preprocess \| ([\d.]+)")
    sent = _found(request, r"\| gRPC and client \| [\d.]+ to ([\d.]+)")
    return {
        "tower_ms": _measured(full * share, "ms", precision),
        "around_ms": _measured(prepared + sent, "ms", request),
        "hop_ms": _measured(_found(design, r"a step costs about ([\d.]+) ms"), "ms", design),
    }


def _retrieve(taken: dict[str, float]) -> dict[str, Figure]:
    """The line through the smallest and the largest batch."""
    (small, least), *_, (large, most) = sorted((int(batch), ms) for batch, ms in taken.items())
    each = (most - least) / (large - small)
    return {
        "retrieve_ms": _measured(max(0.0, least - each * small), "ms", SCALE),
        "each_ms": _measured(each, "ms", SCALE),
    }


def _slowest(by_rate: dict[str, dict[str, float]]) -> tuple[tuple[float, float], ...]:
    """The percentiles at the pass rate with the highest 99th."""
    slowest = max(by_rate.values(), key=lambda percentiles: percentiles["99"])
    return tuple((float(point), ms) for point, ms in slowest.items())


def _engine_bytes(path: Path) -> Figure:
    rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["rows"]
    ours = [row["memory_mb"] for row in rows if row["engine"] == OURS and row["n"] == CPU_PRODUCTS]
    if not ours:
        raise ValueError(f"{path}: no row of {OURS} with {CPU_PRODUCTS:,} products")
    return _measured(1e6 * ours[0] / CPU_PRODUCTS, "bytes", path)


def _bytes(host: dict[str, Any]) -> dict[str, Figure]:
    parts = host["bytes_a_product"]
    found = {name: _measured(parts[name], "bytes", SCALE) for name in ("documents", "ids", "columns")}
    return found | {
        "column_count": _measured(host["columns"], "", SCALE),
        "lists": _measured(host["search"]["bytes_of_lists"], "bytes", SCALE),
    }


def _measured(value: float, unit: str, path: Path) -> Figure:
    return Figure(float(value), unit, Mark.MEASURED, path.name)


def _found(path: Path, pattern: str) -> float:
    """The first number that a document has at a place."""
    found = re.search(pattern, path.read_text("utf-8"))
    if found is None:
        raise ValueError(f"{path}: nothing like {pattern!r}; the table that had it was changed")
    return float(found[1])
