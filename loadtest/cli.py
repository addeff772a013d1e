"""``python -m loadtest``: load a running server, and hold it to a promise.

Exit codes: 0 done, and the SLO kept; 1 the SLO broken; 2 a mistake; 3 no server; 130 Ctrl-C, after the report of what
was measured until then.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from clients import NO_RETRIES, RetryPolicy
from loadtest.arrivals.fleet import Fleet
from loadtest.arrivals.profiles import NAMES, named
from loadtest.arrivals.schedule import make_schedule
from loadtest.cli_ramp import ramp
from loadtest.cli_shared import (
    Catalogue,
    Constant,
    Deadline,
    Metrics,
    MixFile,
    Out,
    Pictures,
    Processes,
    Queries,
    Retries,
    Seed,
    SloFile,
    Store,
    Url,
    WritesPerS,
    mistakes_told,
    read_load,
    server_of,
)
from loadtest.cli_told import finish
from loadtest.cli_users import users
from loadtest.measuring import Watched

app = typer.Typer(
    help="Load a running Tandem server: open arrivals (run), the knee (ramp), closed users (users).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_console = Console(stderr=True)


@app.command()
def run(  # noqa: PLR0913 - one argument an option
    *,
    rate: Annotated[float, typer.Option("--rate", "-r", metavar="PER_S", help="Searches a second.")] = 20.0,
    seconds: Annotated[float, typer.Option("--seconds", "-t", metavar="S", help="For how long.")] = 30.0,
    shape: Annotated[str, typer.Option(help=f"How the rate changes: {', '.join(NAMES)}.")] = "steady",
    url: Url = None,
    metrics: Metrics = None,
    store: Store = None,
    mix: MixFile = None,
    catalogue: Catalogue = None,
    queries: Queries = None,
    pictures: Pictures = None,
    writes: WritesPerS = None,
    processes: Processes = 1,
    constant: Constant = False,
    seed: Seed = 1,
    timeout: Deadline = 10.0,
    retries: Retries = False,
    slo: SloFile = None,
    out: Out = None,
) -> None:
    """Open arrivals: requests start on schedule, whatever became of those before; latency counts from the schedule.

    Example: python -m loadtest run --rate 50 --seconds 60 --slo loadtest/promises/shop.toml --out report.html
    """
    with mistakes_told():
        profile = named(shape, rate, seconds)
        files = {"catalogue": catalogue, "queries": queries, "pictures": pictures}
        load = read_load(server_of(url, metrics, store), slo, mix, **files, writes_per_s=writes)
        schedule = make_schedule(load.traffic, profile, seed, poisson=not constant)
        numbers = sorted(set(schedule.numbers.tolist()))
        with _console.status("making the requests ...") as status:
            settings: dict[str, Any] = {"processes": processes, "timeout_s": timeout, "numbers": numbers}
            settings["retries"] = RetryPolicy() if retries else NO_RETRIES
            with Fleet(load.server.url, load.traffic, **settings) as fleet, Watched(load.server.metrics) as watched:
                status.update(f"{shape}: {len(schedule):,} requests in {seconds:g} s, Ctrl-C stops it ...")
                done = watched.measure(fleet, schedule)
        title = f"{shape.capitalize()}: {rate:g} requests a second for {seconds:g} s"
        finish(title, load, done, watched.notes(done[0]), out)


app.command()(ramp)
app.command()(users)


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m loadtest")
