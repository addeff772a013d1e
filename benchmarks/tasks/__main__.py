"""``python -m benchmarks.tasks``: the three tasks judged on a real shop; writes docs/results/tasks.md."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.figures import write_figures
from benchmarks.tasks.document import figures, sections
from benchmarks.tasks.online_retail import online_retail
from export.cli_shared import told
from export.evaluation.order import Order, recipe_of
from export.evaluation.output import table, write
from export.evaluation.run import evaluate
from export.evaluation.split import moment
from export.order import DEFAULT_TOWERS
from export.terminal import progress_bars, terminated_as_interrupted

SPLIT = "2011-09-01"
EPOCHS = 6
TASKS = Path(__file__).with_name("tasks.toml")


def tasks(
    data: Annotated[Path, typer.Option(envvar="TANDEM_DATA", help="Folder with online_retail/.")] = Path(
        "../shared/data"
    ),
    store: Annotated[Path, typer.Option(help="Where figures go, under bench/; and what is kept.")] = Path("var"),
    document: Annotated[Path, typer.Option(help="Folder of tasks.md, tasks.json and the plots.")] = Path(
        "docs/results"
    ),
    epochs: Annotated[int, typer.Option(min=1, help="Of the training, at most.")] = EPOCHS,
) -> None:
    """Judge the three tasks on the shop, and write report, plots and figures."""
    console = Console(stderr=True)
    work = store / "bench" / "tasks"
    shop = online_retail(data / "online_retail")
    events, catalogue = shop.write(work)
    order = Order(events, str(catalogue), moment(SPLIT), DEFAULT_TOWERS, work, tasks=TASKS, recipe=recipe_of(epochs))
    with told(console), terminated_as_interrupted(), progress_bars(console) as progress:
        found = evaluate(order, progress, console)
    categories = len({product["category"] for product in shop.catalogue})
    more = sections(dict(found.facts), categories, SPLIT, store)
    written = write(document, found, more=more)
    Console().print(table(found))
    kept = write_figures(store, "tasks", {"rows": figures([one.row() for one in found.measured])})
    console.print(f"Written to {', '.join(map(str, (*written, kept)))}", soft_wrap=True)


if __name__ == "__main__":
    typer.run(tasks)
