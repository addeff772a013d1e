"""The tables of ``docs/scale.md`` about figures, bytes and scans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.scale.figures import Inputs
from benchmarks.scale.memory import CPU_DIM, on_device, on_disk, on_host, products_a_device
from benchmarks.scale.model import DEVICES, Assumptions, Device, Mark, Rows
from benchmarks.scale.scanning import Scans

DIMS = (256, 384, 768)
SIZES = (1_000_000, 10_000_000, 100_000_000)
BATCHES = (1, 8, 64)
NAMES = {
    "tower_ms": "text tower, INT8, one query on one core",
    "around_ms": "preprocessing and gRPC, a request",
    "hop_ms": "Triton's part of `retrieve`, a request",
    "retrieve_ms": "Python of `retrieve`, a batch",
    "each_ms": "Python of `retrieve`, each request of it",
    "search_p50_ms": "CPU engine, 500,000 x 384, median query",
    "search_p99_ms": "the same, 99th percentile",
    "cpu_bytes": "CPU engine in memory, a product, 384 dimensions",
    "documents": "its document",
    "ids": "its id",
    "columns": "its columns on the host",
    "lists": "the CPU engine's files in a snapshot",
    "column_count": "how many columns",
}

ASSUMED = {
    "copied": "share of a datasheet's bandwidth that a plain copy reaches",
    "reached": "share of that copy, and of the tensor cores' rate, that the scan aims at",
    "launch_ms": "launches, best of the bins and copying back, ms a batch",
    "network_ms": "more for a copy of the catalogue that spans machines, ms",
    "usable": "share of a GPU's memory for products; the rest is for growth",
    "held": "indexes in memory while a snapshot is adopted",
    "filters": "distinct filters whose bits are kept",
    "filter_columns": "columns that filters read anew, since the catalogue changed since the batch before",
    "cards": "GPUs of a machine, at most",
    "cores": "cores of a machine",
    "kept_cores": "of them for the server, `retrieve` and the follower; the others encode",
    "engine_threads": "of them for the CPU engine, where it searches",
    "most_machines": "machines that a copy may span",
    "busy": "utilisation of cores and copies that is planned for",
    "p99_ms": "what the slowest hundredth of requests may take, ms",
    "most_batch": "requests of a batch, at most",
    "k": "products that a request wants",
}


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; all columns but the first to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, rule, *rows))


def figures(inputs: Inputs) -> str:
    """What goes in, where it comes from."""
    rows = (
        (NAMES[name], f"{figure.value:.3g} {figure.unit}".strip(), f"[{figure.mark}]", figure.source)
        for name, figure in inputs.named().items()
    )
    return markdown(("figure", "value", "", "from"), rows)


def assumptions(assumed: Assumptions) -> str:
    """What was not measured, with its value."""
    rows = ((words, f"{getattr(assumed, name):g}", f"[{Mark.ASSUMED}]") for name, words in ASSUMED.items())
    return markdown(("assumed", "value", ""), rows)


def devices() -> str:
    """The GPUs by their datasheets."""
    rows = (
        (
            one.name,
            f"{one.memory_gb:g}",
            f"{one.bandwidth_gb_s:,.0f}",
            f"{one.float16_tflops:g}",
            f"{one.host_gb_s:g}",
            f"[{Mark.DATASHEET}]",
        )
        for one in DEVICES
    )
    return markdown(("GPU", "GB", "GB/s", "float16 TFLOP/s", "PCIe GB/s", ""), rows)


def bytes_a_product(inputs: Inputs, assumed: Assumptions) -> str:
    """Bytes of a product by place, at the dimensions of the measured rows."""
    columns = int(inputs.column_count.value)
    kept = {rows: on_device(CPU_DIM, rows, columns, assumed) for rows in Rows}
    lines = [(f"GPU: {part}", *(_bytes(kept[rows][part]) for rows in Rows), "") for part in kept[Rows.FLOAT16]]
    for dim in DIMS:
        totals = (sum(on_device(dim, rows, columns, assumed).values()) for rows in Rows)
        lines.append((f"**GPU, {dim} dimensions**", *(f"**{total:,.0f}**" for total in totals), ""))
    hosts = (on_host(CPU_DIM, rows, inputs) for rows in (*Rows, None))
    lines.append((f"main memory, {CPU_DIM}", *map(_bytes, hosts)))
    lines.append((f"snapshot on disk, {CPU_DIM}", *[_bytes(on_disk(CPU_DIM, inputs))] * 4))
    return markdown((f"bytes of a product, {CPU_DIM} dimensions", *Rows, "CPU engine"), lines)


def products_a_gpu(inputs: Inputs, assumed: Assumptions) -> str:
    """Millions of products on one GPU: with room to adopt a snapshot, and without."""
    columns = int(inputs.column_count.value)

    def cell(device: Device, rows: Rows, dim: int) -> str:
        each = sum(on_device(dim, rows, columns, assumed).values())
        counts = (products_a_device(device, each, assumed, held=held) / 1e6 for held in (assumed.held, 1))
        return " / ".join(f"{count:.0f}" for count in counts)

    rows = (
        (f"{device.name}, {kept}", *(cell(device, kept, dim) for dim in DIMS)) for device in DEVICES for kept in Rows
    )
    return markdown(("millions of products on one GPU", *(f"{dim} dimensions" for dim in DIMS)), rows)


def scans(inputs: Inputs, assumed: Assumptions) -> str:
    """Milliseconds of a batch on one GPU, for so many products as fit with nothing else in its memory."""
    columns = int(inputs.column_count.value)

    def line(device: Device, rows: Rows) -> tuple[str, ...]:
        times = Scans(device, CPU_DIM, rows, inputs.gpu, assumed)
        each = sum(on_device(CPU_DIM, rows, columns, assumed).values())
        fits = [size for size in SIZES if size <= products_a_device(device, each, assumed, held=1)]
        cells = [" / ".join(_ms(times.ms(size, batch)) for batch in BATCHES) for size in fits]
        marks = dict.fromkeys(times.mark(size) for size in fits)
        return f"{device.name}, {rows}", *cells, *[""] * (len(SIZES) - len(fits)), f"[{', '.join(marks)}]"

    rows = (line(device, kept) for device in DEVICES for kept in Rows)
    return markdown((f"ms of a batch of {', '.join(map(str, BATCHES))}", *(f"{size:,}" for size in SIZES), ""), rows)


def _bytes(value: float) -> str:
    return f"{value:,.0f}" if value else ""


def _ms(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"
