"""Measures how fast a server recommends: ``python -m benchmarks.tasks.speed --store FOLDER``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.figures import measured, write_figures
from benchmarks.tasks.speed_catalogue import DIM, LEAVES
from benchmarks.tasks.speed_checks import Checked, Exact, check, refuse
from benchmarks.tasks.speed_document import HEAD, goals, rows
from benchmarks.tasks.speed_load import Load, figures, measure
from benchmarks.tasks.speed_memory import resident
from benchmarks.tasks.speed_place import place
from benchmarks.tasks.speed_requests import kinds, messages, questions
from clients import Client, Recommend
from deploy.options import ServeOptions
from deploy.searching import Searching
from deploy.server import Server

# A question is sent again after so many others of its kind.
DIFFERENT = 4_000
PACKAGES = ("nvidia-pytriton", "faiss-cpu", "numba", "numpy", "tritonclient", "grpcio")
console = Console()


def main(
    store: Annotated[
        Path, typer.Option(help="Figures go to STORE/bench; the shop is kept in STORE/bench/tasks-N.")
    ] = Path("var"),
    products: Annotated[int, typer.Option(help="How many products the shop has.")] = 500_000,
    concurrency: Annotated[int, typer.Option(help="Requests under way at any time.")] = 4,
    rounds: Annotated[int, typer.Option(help="Rounds in which kinds are measured in turn; medians are reported.")] = 5,
    seconds: Annotated[float, typer.Option(help="About how long each kind is measured in a round.")] = 5.0,
    checked: Annotated[int, typer.Option(help="Questions of each kind that are compared with every row.")] = 60,
) -> None:
    """Measure `recommend` on a real server, after its answers were held to those of looking at every product."""
    shop = store / "bench" / f"tasks-{products}"
    folder, load = place(shop, products, console.print), Load(concurrency, rounds, seconds)
    made = {kind: questions(make, DIFFERENT, products) for kind, make in kinds().items()}
    begin = time.perf_counter()
    with Server(shop, catalogue="", watch=False, options=ServeOptions(searching=Searching("cpu"))) as server:
        ready_s = time.perf_counter() - begin
        address = server.grpc_url.removeprefix("grpc://")
        truth = _checked(server.grpc_url, folder, {kind: some[:checked] for kind, some in made.items()})
        sent = {kind: messages(some) for kind, some in made.items()}
        found = measure(address, server.pid, sent, load, console.print)
        memory = resident(server.pid, "recommender")
    content: dict[str, Any] = {
        "kinds": {kind: {**figures(rounds), **truth[kind].figures} for kind, rounds in found.items()},
        "place": {"products": products, "dim": DIM, "leaves": len(LEAVES), "load_s": round(ready_s, 2), **memory},
        "load": {"concurrency": concurrency, "rounds": rounds, "seconds": seconds},
        "versions": {name: version(name) for name in PACKAGES},
    }
    path = write_figures(store, "tasks_speed", content)
    _tell({**content, "measured": measured()}, path)


def _checked(url: str, folder: Path, asked: Mapping[str, list[Recommend]]) -> dict[str, Checked]:
    console.print("comparing answers with those of looking at every product")
    exact = Exact(folder)
    with Client(url) as client:
        found = {kind: check(client, exact, some) for kind, some in asked.items()}
    refuse(found)
    return found


def _tell(content: Mapping[str, Any], path: Path) -> None:
    table = Table(*HEAD, title=f"recommend, {content['place']['products']:,} products")
    for row in rows(content):
        table.add_row(*row)
    console.print(table)
    for what, found, met in goals(content):
        console.print(f"{'[green]met[/]' if met else '[red]missed[/]'}: {what}: {found}")
    console.print(f"figures: {path}")


if __name__ == "__main__":
    typer.run(main)
