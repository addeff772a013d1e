"""How the command line tells of a load, and which exit code that makes."""

from __future__ import annotations

from pathlib import Path

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from loadtest.arrivals.measured import Measured
from loadtest.cli_shared import BROKEN, INTERRUPTED, KEPT, NO_SERVER, Load
from loadtest.environment import environment
from loadtest.knee import Knee
from loadtest.metrics.steps import StepOverTime
from loadtest.report.values import Report
from loadtest.report.writer import figure, write_report
from loadtest.slo import Figures, judge

AWAY = {"NoServer", "Unavailable", "Timeout"}
Done = tuple[Measured, tuple[StepOverTime, ...]]


def finish(
    title: str, load: Load, done: Done, notes: tuple[str, ...], out: Path | None, knee: Knee | None = None
) -> None:
    """Hold a load to its promises, print what it came to, write its report, and end with its exit code.

    Args:
        title: Of the report.
        load: What was asked for.
        done: What it came to.
        notes: What is to be said of how it was measured.
        out: Where the report goes; None: nowhere.
        knee: How much the server carries, where that was searched for.

    Raises:
        typer.Exit: Always; see `loadtest.cli`.
    """
    measured, steps = done
    verdicts = () if load.promised is None else judge(load.promised, Figures.of(measured))
    facts = environment(load.server.url, load.traffic.mix, measured)
    report = Report(title, measured, verdicts, steps, facts, notes, knee)
    console = Console()
    console.print(table(report.measured))
    console.print(_figures(report.measured), markup=False, highlight=False)
    for note in report.notes:
        console.print(note, markup=False)
    for verdict in report.verdicts:
        mark = "[green]kept[/]  " if verdict.kept else "[bold red]broken[/]"
        console.print(mark, verdict.told, highlight=False)
    if out is not None:
        beside = write_report(out, report)
        console.print(f"wrote {out} and {beside}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(exit_code(report))


def exit_code(report: Report) -> int:
    """0 kept, 1 broken, 3 where the server answered nothing at all, 130 where it was stopped."""
    measured = report.measured
    if measured.stopped:
        return INTERRUPTED
    if not measured.ok and set(measured.failed) <= AWAY:
        return NO_SERVER
    return KEPT if report.kept else BROKEN


def table(measured: Measured) -> Table:
    """A line for each kind of request, and one for all."""
    found = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("kind", "due", "ok", "failed", "p50", "p90", "p99", "p99.9", "max", "recall"):
        found.add_column(name, justify="left" if name == "kind" else "right")
    for name, part in {**measured.kinds, "all": measured}.items():
        latency, failed = part.latency, sum(part.failed.values())
        quantiles = map(figure, (latency.p50, latency.p90, latency.p99, latency.p999, latency.max))
        if name == "all":
            found.add_section()
        found.add_row(name, str(part.scheduled), str(part.ok), str(failed), *quantiles, figure(part.recall, 3))
    return found


def _figures(measured: Measured) -> str:
    failed = ", ".join(f"{name} {count}" for name, count in measured.failed.items())
    releases = ", ".join(f"{number} ({count:,})" for number, count in measured.releases.items())
    return "\n".join((
        "latencies in ms, from when a request was due",
        f"due {measured.offered_rps:.1f}/s, answered {measured.achieved_rps:.1f}/s",
        f"sent late: {measured.late()} over 1 ms, {measured.late(10)} over 10 ms",
        f"sent again: {measured.sent_again}, of which answered in the end: {measured.ok_again}",
        f"releases: {releases or 'none'}; failed: {failed or 'none'}",
        f"generator: {measured.generator_cpu_ms:.2f} ms of processor time a request",
    ))  # fmt: skip
