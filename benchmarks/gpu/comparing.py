"""Measures all systems over one shop."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from rich.console import Console

from benchmarks.gpu.cases import Case, Terms, bytes_of_tiles, bytes_to_read, cases
from benchmarks.gpu.machine import Bandwidth, Machine
from benchmarks.gpu.measuring import Times, answers, timed
from benchmarks.gpu.shop import Shop
from benchmarks.gpu.systems.base import Absent, Search, System
from benchmarks.gpu.truth import Truth, Verdict, judge, truths
from ensemble.index.gpu.errors import OutOfDeviceMemory

Row = dict[str, Any]
GB = 1e9
# There being no room, or no such library, is no fault of a system.
ENOUGH = (Absent, OutOfDeviceMemory, torch.OutOfMemoryError)


@dataclass(frozen=True)
class Run:
    """How to measure.

    Args:
        machine: Where.
        bandwidth: Of its memory, measured in this run.
        batches: Sizes of batches.
        rates: Shares of the products that pass.
        rounds: In which all systems are timed in turn.
        deadline: In seconds of the monotonic clock: nothing is begun that would end later.
        console: Where to tell how far it is.
    """

    machine: Machine
    bandwidth: Bandwidth
    batches: tuple[int, ...]
    rates: tuple[float, ...]
    rounds: int
    deadline: float
    console: Console

    def has(self, seconds: float) -> bool:
        """Whether so much time is left."""
        return time.monotonic() + seconds < self.deadline


@dataclass(frozen=True)
class Ready:
    """A system that can be asked.

    Args:
        system: The system.
        open_s: How long it took to open.
        memory: Bytes of device memory that it took.
    """

    system: System
    open_s: float
    memory: int


@dataclass
class Outcome:
    """What was found.

    Args:
        rows: A line each.
        skipped: What was not measured, and why.
        broken: What of ours raised an error, in words.
    """

    rows: list[Row] = field(default_factory=list)
    skipped: list[Row] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """What is wrong, in words."""
        return [f"{_about(row)}: {failure}" for row in self.rows for failure in row["failures"]] + self.broken

    def add(self, other: Outcome) -> None:
        """Take up what was found elsewhere."""
        self.rows += other.rows
        self.skipped += other.skipped
        self.broken += other.broken

    def skip(self, shop: Shop, why: str, system: System | None = None) -> None:
        """Note what was not measured."""
        engine = {} if system is None else {"engine": system.name}
        self.skipped.append({**engine, "n": len(shop), "dim": shop.dim, "why": why})

    @contextmanager
    def surviving(self, system: System, doing: str) -> Iterator[None]:
        """Note an error and go on: one system must not cost the figures of the others. Ours must not raise any."""
        try:
            yield
        except ENOUGH as error:
            self.skip(system.shop, f"{doing}: {_first_line(error)}", system)
        except Exception as error:
            why = f"{doing}: {type(error).__name__}: {_first_line(error)}"
            self.skip(system.shop, why, system)
            if system.least:
                self.broken.append(f"{system.name}, {len(system.shop):,} x {system.shop.dim}, {why}")


def compare(shop: Shop, systems: Sequence[type[System]], run: Run, *, together: bool = True) -> Outcome:
    """The figures of every system in every case.

    Args:
        shop: What is searched.
        systems: By what.
        run: How to measure.
        together: Time the systems in turn; otherwise one after another, for shops of which there is no room for two.
    """
    outcome = Outcome()
    asked = cases(run.batches, run.rates)
    truth = truths(shop, list(dict.fromkeys(case.terms for case in asked)))
    for group in [list(systems)] if together else [[system] for system in systems]:
        ready = _opened(shop, group, run, outcome)
        for case in asked:
            if run.has(1):
                outcome.rows += _measured(ready, case, truth[case.terms], run, outcome)
            else:
                outcome.skip(shop, f"{_words(case)}: no time is left")
        for one in ready.values():
            one.system.close()
    return outcome


def _opened(shop: Shop, systems: Sequence[type[System]], run: Run, outcome: Outcome) -> dict[str, Ready]:
    ready: dict[str, Ready] = {}
    for kind in systems:
        system = kind(shop, max(run.batches))
        if not run.has(system.seconds_to_open):
            outcome.skip(shop, f"about {system.seconds_to_open:.0f} s to open it are not left", system)
            continue
        before, start = run.machine.used(), time.perf_counter()
        run.console.print(f"[dim]{len(shop):,} x {shop.dim}: opening {system.name}[/dim]")
        with outcome.surviving(system, "opening"):
            system.open()
            run.machine.finish()
            taken = time.perf_counter() - start
            ready[system.name] = Ready(system, taken, run.machine.used() - before)
        if system.name not in ready:
            system.close()
    return ready


def _measured(ready: dict[str, Ready], case: Case, truth: Truth, run: Run, outcome: Outcome) -> list[Row]:
    """One case: answers are checked, then the systems are timed in turn."""
    searches: dict[str, Search] = {}
    verdicts: dict[str, Verdict] = {}
    for name, one in ready.items():
        system, shop = one.system, one.system.shop
        with outcome.surviving(system, _words(case)):
            search = system.search(case)
            if search is None:
                continue
            found = answers(search, shop, case)
            verdicts[name] = judge(shop, case.terms, found, truth, least=system.least, ordered=system.ordered)
            searches[name] = search
    if not searches:
        return []
    taken = timed(searches, shop, case, run.machine, rounds=run.rounds)
    return [_row(ready[name], case, verdicts[name], taken[name], searches[name], run) for name in searches]


def _row(one: Ready, case: Case, verdict: Verdict, times: Times, search: Search, run: Run) -> Row:
    system, shop = one.system, one.system.shop
    row = {
        "engine": system.name,
        "n": len(shop),
        "dim": shop.dim,
        "dtype": system.dtype,
        "batch": case.batch,
        "pass_rate": case.terms.rate,
        "filters": case.terms.kind,
        "ranked": case.terms.ranked,
        "ms": round(times.ms, 4),
        "p95_ms": round(times.p95_ms, 4),
        "device_ms": _rounded(times.device_ms),
        "graph_ms": _rounded(times.graph_ms),
        "new_filter_ms": _rounded(times.fresh_ms),
        "recall_at_10": round(verdict.recall, 5),
        "memory_gb": round(one.memory / GB, 3),
        "open_s": round(one.open_s, 1),
        "device": run.machine.name,
        "note": search.note,
        "failures": list(verdict.failures),
    }
    return row | (_roofline(system, case, times, run) if system.exact else _no_roofline())


def _roofline(system: System, case: Case, times: Times, run: Run) -> Row:
    """The least time that memory allows, over the time that was taken."""
    every = bytes_to_read(len(system.shop), system.row_bytes, case)
    tiles = bytes_of_tiles(len(system.shop), system.row_bytes, case, run.machine.device)
    least_ms, tiles_ms = (size / run.bandwidth.best / 1e6 for size in (every, tiles))
    return {
        "must_read_gb": round(every / GB, 4),
        "roofline_fraction": round(least_ms / times.ms, 4),
        "device_roofline_fraction": _rounded(None if times.device_ms is None else least_ms / times.device_ms),
        "tiles_gb": round(tiles / GB, 4),
        "tiles_roofline_fraction": round(tiles_ms / times.ms, 4),
    }


def _no_roofline() -> Row:
    names = ("must_read_gb", "roofline_fraction", "device_roofline_fraction", "tiles_gb", "tiles_roofline_fraction")
    return dict.fromkeys(names)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")


def _words(case: Case) -> str:
    return f"batch {case.batch}, {case.terms}"


def _about(row: Row) -> str:
    case = Case(row["batch"], Terms(row["filters"], row["pass_rate"], row["ranked"]))
    return f"{row['engine']}, {row['n']:,} x {row['dim']}, {_words(case)}"
