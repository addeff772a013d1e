"""Measures all engines over one shop."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks.retrieval.measuring import TARGET, Chosen, choose, latencies, throughput
from benchmarks.retrieval.memory import Loaded, loaded
from benchmarks.retrieval.shop import PASS_RATES, Numbers, Shop
from benchmarks.retrieval.systems import Search, System, system
from benchmarks.retrieval.systems.tandem import Tandem

BUILT = "built.json"
NEW_FILTER = "tandem, new filter"

Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """How to measure.

    Args:
        folder: Where built indexes are kept.
        rounds: In which all engines are timed in turn.
        seconds: How long each is asked in a round.
        again: Build what is built already.
        console: Where to tell how far it is.
    """

    folder: Path
    rounds: int
    seconds: float
    again: bool
    console: Console


@dataclass(frozen=True)
class Ready:
    """An engine that can be searched.

    Args:
        system: The engine.
        build_s: How long it took to build.
        loaded: What it takes in a process of its own.
    """

    system: System
    build_s: float
    loaded: Loaded


def compare(shop: Shop, names: list[str], run: Run) -> list[Row]:
    """The figures of every engine at every pass rate."""
    truth = shop.truth()
    ready = {name: _ready(name, shop, run) for name in names}
    return [row for rate in PASS_RATES for row in _at(rate, ready, truth[rate], run)]


def _ready(name: str, shop: Shop, run: Run) -> Ready:
    searched = system(name, shop, run.folder)
    note = searched.folder / BUILT
    if run.again or not note.is_file():
        note.unlink(missing_ok=True)
        run.console.print(f"[dim]{len(shop):,}: building {name}[/dim]")
        searched.prepare()
        start = time.perf_counter()
        searched.build()
        note.write_text(json.dumps(round(time.perf_counter() - start, 1)))
    kept = loaded(name, len(shop), run.folder)
    searched.open()
    return Ready(searched, float(json.loads(note.read_text())), kept)


def _at(rate: float, ready: dict[str, Ready], truth: Numbers, run: Run) -> list[Row]:
    run.console.print(f"[dim]{rate:.1%} pass[/dim]")
    asked = {name: one for name, one in ready.items() if one.system.filters or rate == 1.0}
    chosen = {name: choose(one.system, rate, truth) for name, one in asked.items()}
    searches: dict[str, Search] = {name: one.search for name, one in chosen.items()}
    mine = [one.system for one in asked.values() if isinstance(one.system, Tandem)]
    if mine and rate < 1.0:
        searches[NEW_FILTER] = mine[0].search_with_new_filters(rate)
    queries = next(iter(asked.values())).system.shop.queries
    taken = latencies(searches, queries, rounds=run.rounds, seconds=run.seconds)
    rows = [
        _row(rate, chosen[name], one)
        | {
            "p50_ms": round(taken[name], 4),
            "qps_2_threads": round(throughput(chosen[name], rate, queries, 2 * run.seconds), 1),
        }
        for name, one in asked.items()
    ]
    for row in rows:
        if row["engine"] == Tandem.name and NEW_FILTER in taken:
            row["p50_ms_new_filter"] = round(taken[NEW_FILTER], 4)
    return rows


def _row(rate: float, chosen: Chosen, ready: Ready) -> Row:
    return {
        "engine": ready.system.name,
        "n": len(ready.system.shop),
        "pass_rate": rate,
        "recall_at_10": round(chosen.recall, 4),
        "reached": chosen.recall >= TARGET,
        "setting": chosen.setting,
        "build_s": ready.build_s,
        "memory_mb": ready.loaded.memory_mb,
        "load_s": ready.loaded.load_s,
    }
