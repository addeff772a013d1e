"""What serving adds to a request: the pipeline in process, behind a plain FastAPI app, and as a served Triton ensemble.

One run measures all three in turn on the same graphs and one thread a run, several rounds interleaved, and reports
medians of the rounds. Before anything is timed, both servers must give the products that the pipeline gives in process.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.closed_loop import (
    Measured,
    closed_loop,
    grpc_sender,
    grpc_senders,
    http_sender,
    http_senders,
    one_at_a_time,
)
from benchmarks.figures import write_figures
from benchmarks.plain_server import plain_server
from benchmarks.queries import photo_queries, text_queries
from benchmarks.wire import app_message, grpc_message, ids_of_app, ids_of_grpc
from deploy.server import Server
from deploy.store import find_release
from ensemble.pipeline import Pipeline

KINDS = ("text", "image")
SYSTEMS = ("in_process", "fastapi", "served")
CONCURRENCIES = (1, 8, 32)
CHECKED = 16
# The watcher's probes repeat themselves every two seconds; nothing else does.
MOST_REMEMBERED = 0.1
K = 10

console = Console()


@dataclass
class Bench:
    """What is measured against.

    Args:
        pipeline: In process.
        app_port: Port of the FastAPI app.
        grpc_address: ``host:port`` of the server.
        queries: Encoded queries by kind, never the same twice, so that no cache is measured.
    """

    pipeline: Pipeline
    app_port: int
    grpc_address: str
    queries: dict[str, Iterator[bytes]]
    rounds: dict[tuple[str, int, str], list[Measured]] = field(default_factory=dict)

    def take(self, kind: str, count: int) -> list[bytes]:
        """The next ``count`` queries of a kind."""
        return [next(self.queries[kind]) for _ in range(count)]


def search(pipeline: Pipeline, kind: str, query: bytes) -> list[str]:
    """Ids that the pipeline finds in process."""
    hits = pipeline.search([query], k=K) if kind == "text" else pipeline.search(None, [query], k=K)
    return [hit.id for hit in hits[0]]


async def check(bench: Bench, kind: str) -> None:
    """Stop where a server finds other products than the pipeline in process.

    Raises:
        SystemExit: It does.
    """
    queries = bench.take(kind, CHECKED)
    expected = [search(bench.pipeline, kind, query) for query in queries]
    async with grpc_senders(bench.grpc_address, 1) as (send,):
        served = [ids_of_grpc(await send(grpc_message(kind, query))) for query in queries]
    async with http_senders("127.0.0.1", bench.app_port, 1) as (send,):
        app = [ids_of_app(await send(app_message(kind, query))) for query in queries]
    for system, found in (("served", served), ("fastapi", app)):
        if found != expected:
            raise SystemExit(
                f"{system} finds other products for {kind} than the pipeline in process: nothing was measured"
            )


def measure_in_process(bench: Bench, kind: str, concurrency: int, count: int) -> Measured:
    """The pipeline called by as many threads as there are cores to use, at most ``concurrency``."""
    queries = bench.take(kind, count)
    latencies: list[float] = []

    def one(query: bytes) -> None:
        start = time.perf_counter()
        search(bench.pipeline, kind, query)
        latencies.append(1000 * (time.perf_counter() - start))

    start = time.perf_counter()
    with ThreadPoolExecutor(min(concurrency, os.cpu_count() or 1)) as pool:
        list(pool.map(one, queries))
    return Measured(tuple(latencies), time.perf_counter() - start)


async def measure_fastapi(bench: Bench, kind: str, concurrency: int, count: int) -> Measured:
    """The plain app under a closed loop."""
    messages = [app_message(kind, query) for query in bench.take(kind, count)]
    if concurrency == 1:
        with http_sender("127.0.0.1", bench.app_port) as send:
            return one_at_a_time(send, messages)
    async with http_senders("127.0.0.1", bench.app_port, concurrency) as senders:
        return await closed_loop(senders, messages)


async def measure_served(bench: Bench, kind: str, concurrency: int, count: int) -> Measured:
    """The ensemble under a closed loop."""
    messages = [grpc_message(kind, query) for query in bench.take(kind, count)]
    if concurrency == 1:
        with grpc_sender(bench.grpc_address) as send:
            return one_at_a_time(send, messages)
    async with grpc_senders(bench.grpc_address, concurrency) as senders:
        return await closed_loop(senders, messages)


async def run(bench: Bench, rounds: int, seconds: float) -> None:
    """Measure every combination ``rounds`` times, the systems in turn, each for about ``seconds``."""
    for kind in KINDS:
        await check(bench, kind)
    for number in range(rounds):
        for kind in KINDS:
            for concurrency in CONCURRENCIES:
                console.print(f"[dim]round {number + 1}/{rounds}: {kind}, {concurrency} at a time[/dim]")
                await _measure_all(bench, kind, concurrency, seconds)


async def _measure_all(bench: Bench, kind: str, concurrency: int, seconds: float) -> None:
    speed = measure_in_process(bench, kind, 1, 20).p50_ms
    count = max(60, int(seconds * 1000 / speed * min(concurrency, 1.5)))
    results = {
        "in_process": measure_in_process(bench, kind, concurrency, count),
        "fastapi": await measure_fastapi(bench, kind, concurrency, count),
        "served": await measure_served(bench, kind, concurrency, count),
    }
    for system, measured in results.items():
        bench.rounds.setdefault((kind, concurrency, system), []).append(measured)


def refuse_remembered(server: Server) -> None:
    """Stop where a tower answered from memory: the figures would be those of a dictionary.

    Raises:
        SystemExit: More than the watcher's own probes did.
    """
    with urllib.request.urlopen(server.metrics_url) as answer:  # noqa: S310 - our own loopback address
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("tandem_tower_cache_")]
    counts = {name: sum(float(line.split()[-1]) for line in lines if name in line) for name in ("hits", "lookups")}
    console.print(f"rows that the towers remembered: {counts['hits']:,.0f} of {counts['lookups']:,.0f}")
    if counts["hits"] > MOST_REMEMBERED * counts["lookups"]:
        raise SystemExit("queries were repeated: nothing was measured")


def figures(bench: Bench) -> dict[str, Any]:
    """Medians over the rounds, as ``request.json`` holds them."""
    made: dict[str, Any] = {}
    for (kind, concurrency, system), rounds in bench.rounds.items():
        entry = made.setdefault(kind, {}).setdefault(f"c{concurrency}", {})
        for name in ("p50_ms", "p99_ms", "rps"):
            entry[f"{system}_{name}"] = round(statistics.median(getattr(each, name) for each in rounds), 3)
    for kind in made.values():
        for entry in kind.values():
            entry["served_over_fastapi_rps"] = round(entry["served_rps"] / entry["fastapi_rps"], 3)
        # In process as many are at work as there are cores, so that only one at a time can be compared by latency.
        one = kind["c1"]
        one["served_minus_in_process_p50_ms"] = round(one["served_p50_ms"] - one["in_process_p50_ms"], 3)
    return made


def table(made: dict[str, Any]) -> Table:
    """The figures for people."""
    shown = Table("query", "at a time", "system", "p50 ms", "p99 ms", "requests/s", title="One request, three ways")
    for kind in KINDS:
        for concurrency in CONCURRENCIES:
            entry = made[kind][f"c{concurrency}"]
            for system in SYSTEMS:
                values = [f"{entry[f'{system}_{name}']:,.2f}" for name in ("p50_ms", "p99_ms", "rps")]
                shown.add_row(kind, str(concurrency), system.replace("_", " "), *values)
            shown.add_section()
    return shown


def main(
    store: Annotated[Path, typer.Option(help="Store with a release.")] = Path("var"),
    sample: Annotated[Path | None, typer.Option(help="Folder of the sample; default STORE/sample.")] = None,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds; medians are reported.")] = 3,
    seconds: Annotated[float, typer.Option(help="About how long each run of a round takes.")] = 4.0,
) -> None:
    """Measure what serving adds to a request; figures go to STORE/bench/request.json."""
    folder, release = sample or store / "sample", find_release(store).number
    queries = {"text": text_queries(folder), "image": photo_queries(folder)}
    pipeline = Pipeline.open(store / "models", release)
    with plain_server(store / "models", release) as port, Server(store) as server:
        bench = Bench(pipeline, port, server.grpc_url.removeprefix("grpc://"), queries)
        asyncio.run(run(bench, rounds, seconds))
        refuse_remembered(server)
    made = figures(bench)
    console.print(table(made))
    for kind in KINDS:
        added, ratio = made[kind]["c1"]["served_minus_in_process_p50_ms"], made[kind]["c32"]["served_over_fastapi_rps"]
        console.print(f"{kind}: serving adds {added:.2f} ms to p50 at 1; {ratio:.2f} x the requests/s of FastAPI at 32")
    console.print(f"figures: {write_figures(store, 'request', made)}")


if __name__ == "__main__":
    typer.run(main)
