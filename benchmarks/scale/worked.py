"""One row of the fleets worked out step by step, so that a reader can check it with a pencil."""

from __future__ import annotations

from math import ceil

from benchmarks.scale.copies import Copy, Option
from benchmarks.scale.figures import Inputs
from benchmarks.scale.fleet import encode_s, least_copies
from benchmarks.scale.memory import BIN, on_device, products_a_device
from benchmarks.scale.model import DEVICES, GB, Assumptions, Demand, Rows
from benchmarks.scale.scanning import bytes_read, bytes_rescored, operations

DEVICE, ROWS = DEVICES[0], Rows.INT8
DEMAND = Demand(100_000_000, 20_000)


def worked(inputs: Inputs, assumed: Assumptions) -> str:
    """A hundred million products at 20,000 requests a second on H200s with int8 rows, as a numbered list."""
    each = sum(on_device(DEMAND.dim, ROWS, int(inputs.column_count.value), assumed).values())
    fits = products_a_device(DEVICE, each, assumed, held=assumed.held)
    copy = Copy(inputs, assumed, DEMAND, Option(DEVICE, ROWS), ceil(DEMAND.products / fits))
    steps = (_memory(copy, each, fits), _scan(copy), _batch(copy), _copies(copy), _encoding(copy))
    return "".join(f"{number}. {step}\n" for number, step in enumerate(steps, 1))


def _memory(copy: Copy, each: float, fits: int) -> str:
    held, usable = copy.assumed.held, copy.assumed.usable
    return (
        f"Memory. A product takes {each:,.0f} bytes, twice while a snapshot is adopted: {DEVICE.memory_gb:g} GB x "
        f"{usable} / ({held} x {each:,.0f} B) = {fits / 1e6:.0f} million on one {DEVICE.name}. "
        f"{DEMAND.products / 1e6:.0f} million need {copy.gpus}, with {copy.shard / 1e6:.0f} million each."
    )


def _scan(copy: Copy) -> str:
    assumed, dim, batch = copy.assumed, DEMAND.dim, copy.assumed.most_batch
    speed, rate = DEVICE.bandwidth_gb_s * assumed.copied * assumed.reached, DEVICE.float16_tflops * assumed.reached
    read = bytes_read(copy.shard, dim, ROWS, batch, assumed) / GB
    again = bytes_rescored(dim, ROWS, batch, assumed.k) / GB
    operated = operations(copy.shard, dim, ROWS, batch) / 1e12
    return (
        f"Scan. A batch of {batch} reads {dim} + 4 bytes of a row, {batch} / 8 of filters' bits, "
        f"8 x {assumed.filter_columns} of columns and 12 x {batch} / {BIN} of maxima: {read:.1f} GB at "
        f"{DEVICE.bandwidth_gb_s:,.0f} x {assumed.copied} x {assumed.reached} = {speed:,.0f} GB/s are "
        f"{1e3 * read / speed:.2f} ms. Meanwhile 2 x {dim} x {batch} operations a row, at "
        f"{DEVICE.float16_tflops:g} x {assumed.reached} = {rate:,.0f} TFLOP/s, take {1e3 * operated / rate:.2f} ms. "
        f"Rescoring reads {again:.2f} GB, {1e3 * again / speed:.2f} ms. Launches: {assumed.launch_ms} ms."
    )


def _batch(copy: Copy) -> str:
    inputs, batch = copy.inputs, copy.assumed.most_batch
    full_ms = 1e3 * copy.service_s(0, batch)
    return (
        f"Batch. Python takes {inputs.retrieve_ms.value:.2f} + {batch} x ({inputs.each_ms.value:.3f} + "
        f"{inputs.hop_ms.value:g}) = {1e3 * copy.host_s(batch):.1f} ms, scan and Python {full_ms:.1f} ms: {batch} / "
        f"{full_ms:.1f} ms = {copy.capacity:,.0f} requests a second [{copy.mark}]."
    )


def _copies(copy: Copy) -> str:
    serving = least_copies(copy)
    return (
        f"Copies. {DEMAND.rate:,.0f} / ({copy.assumed.busy} x {copy.capacity:,.0f}), rounded up, are {serving}; with "
        f"one that may be lost {serving + 1}, on {copy.gpus * (serving + 1)} GPUs."
    )


def _encoding(copy: Copy) -> str:
    each_s, spare = encode_s(copy), least_copies(copy) * copy.machines * copy.encoding_cores
    return (
        f"Encoding. {DEMAND.rate:,.0f} x {1e3 * each_s:.2f} ms / {copy.assumed.busy} = "
        f"{ceil(DEMAND.rate * each_s / copy.assumed.busy)} cores; the machines with those copies have {spare} to spare."
    )
