"""One run: every size and length in turn, and the updates."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from benchmarks.gpu.comparing import Outcome, Run, compare
from benchmarks.gpu.fields import PARTS
from benchmarks.gpu.machine import Bandwidth, Machine, host_free
from benchmarks.gpu.shop import QUERIES, Shop
from benchmarks.gpu.systems import OURS, SYSTEMS, System
from benchmarks.gpu.tables import tables
from benchmarks.gpu.updates import storm

FIT = "fit"
# Bytes a product beside its float16 rows: on the device columns, bits, bins; on the host columns and empty ids.
DEVICE_BESIDE, HOST_BESIDE = 64, 96
FIT_SHARE = 0.8
# Copies of the rows that may be on the device where all systems are opened together.
COPIES = 8
# A search takes a second or so where kernels are interpreted.
INTERPRETED_QUERIES, INTERPRETED_SECONDS, INTERPRETED_PROBES = 4, 0.2, 1
STORM_SECONDS, PROBES = 8.0, 50
SECONDS_A_VALUE = 1e-9


@dataclass(frozen=True)
class Order:
    """What is to be measured.

    Args:
        sizes: Numbers of products; ``fit`` for as many as fit on this machine.
        dims: Lengths of rows.
        batches: Queries that are asked together.
        rates: Shares of the products that pass.
        systems: Their names; none for all.
        rounds: In which all systems are timed in turn.
        deadline: In seconds of the monotonic clock.
    """

    sizes: tuple[str, ...]
    dims: tuple[int, ...]
    batches: tuple[int, ...]
    rates: tuple[float, ...]
    systems: tuple[str, ...]
    rounds: int
    deadline: float

    def __post_init__(self) -> None:
        wrong = [size for size in self.sizes if size != FIT and not (size.isdigit() and int(size) > 0)]
        wrong += [name for name in self.systems if name not in SYSTEMS]
        if wrong:
            raise ValueError(f"`--n` and `--system`: {wrong[0]!r} is no number above 0, no `fit`, none of {[*SYSTEMS]}")
        if min(self.dims) < 1 or not all(1 <= batch <= QUERIES for batch in self.batches) or self.rounds < 1:
            raise ValueError(f"`--dim` and `--rounds` are at least 1, `--batch` between 1 and {QUERIES}")
        if not all(1 / PARTS <= rate <= 1 for rate in self.rates):
            raise ValueError(f"`--pass-rate` is between {1 / PARTS} and 1, got {self.rates}")

    @property
    def chosen(self) -> list[type[System]]:
        """The systems."""
        return [SYSTEMS[name] for name in (self.systems or SYSTEMS)]


@dataclass
class Measured(Outcome):
    """What was found, with the machine."""

    machine: Machine | None = None
    bandwidth: Bandwidth = field(default_factory=lambda: Bandwidth(0.0, 0.0))

    def figures(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "rows": self.rows,
            "skipped": self.skipped,
            "passed": not self.failures,
            "device": None if self.machine is None else self.machine.name,
            "interpreted": self.machine is not None and self.machine.is_interpreted,
            "bandwidth_gb_s": {"copy": round(self.bandwidth.copy, 1), "read": round(self.bandwidth.read, 1)},
        }


def run(order: Order, console: Console, keep: Callable[[Measured], object]) -> Measured:
    """Measure all of it.

    Args:
        order: What.
        console: Where to tell how far it is.
        keep: Takes what was found so far, after each size and length.

    Raises:
        NoGpu: This machine has no GPU that can be used.
    """
    machine = Machine.here()
    bandwidth = machine.bandwidth()
    console.print(f"{machine.name}: copies at {bandwidth.copy:,.0f} GB/s, reads at {bandwidth.read:,.0f} GB/s")
    outcome = Measured(machine=machine, bandwidth=bandwidth)
    how = Run(machine, bandwidth, order.batches, order.rates, order.rounds, order.deadline, console)
    for number, (size, dim) in enumerate(_shops(order, machine)):
        found = _one(size, dim, order, how, with_storm=not number)
        outcome.add(found)
        for table in tables(*_split(found)):
            console.print(table)
        keep(outcome)
    return outcome


def _shops(order: Order, machine: Machine) -> Iterator[tuple[int, int]]:
    """Each size and length; ``fit`` last, which depends on the length."""
    for size in sorted(order.sizes, key=lambda one: (one == FIT, one.zfill(20))):
        for dim in order.dims:
            yield (fitting(dim, machine) if size == FIT else int(size)), dim


def fitting(dim: int, machine: Machine) -> int:
    """As many products as fit, on the device with float16 rows, and in main memory."""
    device = FIT_SHARE * machine.free() / (2 * dim + DEVICE_BESIDE)
    return int(min(device, FIT_SHARE * host_free() / (2 * dim + HOST_BESIDE)))


def _one(size: int, dim: int, order: Order, how: Run, *, with_storm: bool) -> Outcome:
    outcome, needed = Outcome(), 5 + size * dim * SECONDS_A_VALUE
    if not how.has(needed):
        why = f"about {needed:.0f} s to make the rows are not left"
        outcome.skipped.append({"n": size, "dim": dim, "why": why})
        return outcome
    interpreted = how.machine.is_interpreted
    start = time.monotonic()
    shop = Shop.of(size, dim, how.machine.device, queries=INTERPRETED_QUERIES if interpreted else QUERIES)
    how.console.print(f"[dim]{size:,} x {dim}: rows made in {time.monotonic() - start:.1f} s[/dim]")
    together = COPIES * 2 * dim * size < how.machine.free()
    outcome.add(compare(shop, order.chosen, how, together=together))
    seconds, probes = (INTERPRETED_SECONDS, INTERPRETED_PROBES) if interpreted else (STORM_SECONDS, PROBES)
    if with_storm and how.has(3 * seconds) and any(kind.name == OURS[0] for kind in order.chosen):
        outcome.rows.append(storm(shop, how.machine, seconds=seconds, probes=probes))
    return outcome


def _split(outcome: Outcome) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    storms = [row for row in outcome.rows if "patches_a_second" in row]
    return [row for row in outcome.rows if "patches_a_second" not in row], storms
