"""The charts of a report."""

from __future__ import annotations

from loadtest.arrivals.measured import Measured
from loadtest.arrivals.timeline import Second
from loadtest.knee import Knee
from loadtest.metrics.steps import StepOverTime
from loadtest.report.chart import Chart, Line
from loadtest.report.values import Report
from loadtest.slo import Verdict

MOST_STEPS = 8


def charts(report: Report) -> list[Chart]:
    """Those that have something to show."""
    measured = report.measured
    found = [] if report.knee is None else [knee(report.knee)]
    found += [latency(measured, report.verdicts), requests(measured), releases(measured)]
    steps = [step for step in report.steps if not step.ensemble]
    steps.sort(key=lambda step: -step.whole.mean_ms)
    if steps:
        found += [step_latency(steps[:MOST_STEPS]), step_batches(steps[:MOST_STEPS])]
    return found


def latency(measured: Measured, verdicts: tuple[Verdict, ...]) -> Chart:
    """Median and 99th percentile of each second."""
    lines = (
        Line("p50", tuple((one.second, one.p50) for one in measured.timeline)),
        Line("p99", tuple((one.second, one.p99) for one in measured.timeline)),
    )
    bound = next((verdict.bound for verdict in verdicts if verdict.name == "p99_ms"), None)
    return Chart("Latency over time, from when a request was due", lines, up="ms", bound=bound)


def requests(measured: Measured) -> Chart:
    """What was due, what was answered, and what failed, in each second."""
    lines = (
        Line("due", tuple((one.second, one.due) for one in _due(measured))),
        Line("answered", tuple((one.second, one.done) for one in measured.timeline)),
        Line("failed", tuple((one.second, sum(one.failed.values())) for one in _due(measured))),
    )
    return Chart("Requests and errors over time", lines, up="requests/s")


def releases(measured: Measured) -> Chart:
    """Which release answered, in each second."""
    lines = [
        Line(f"release {number}", tuple((one.second, one.releases.get(number, 0)) for one in _due(measured)))
        for number in measured.releases
    ]
    return Chart("Who answered", tuple(lines), up="answers/s")


def step_latency(steps: list[StepOverTime]) -> Chart:
    """What a request spent in each step, its queue included."""
    lines = [Line(step.name, tuple((one.second, one.mean_ms) for one in step.intervals)) for step in steps]
    return Chart("Mean time in each step, its queue included", tuple(lines), up="ms")


def step_batches(steps: list[StepOverTime]) -> Chart:
    """How many rows the batcher put together."""
    lines = [Line(step.name, tuple((one.second, one.batch) for one in step.intervals)) for step in steps]
    return Chart("Mean rows of a run of each step", tuple(lines), up="rows")


def knee(found: Knee) -> Chart:
    """The 99th percentile at each rate that was tried."""
    steps = sorted(found.steps, key=lambda step: step.offered_rps)
    line = Line("p99", tuple((step.offered_rps, step.p99_ms) for step in steps), dots=True)
    return Chart("p99 at each rate", (line,), across="requests a second that were due", up="ms", bound=found.p99_ms)


def _due(measured: Measured) -> list[Second]:
    """The seconds in which requests were due; after them there are only late answers."""
    return [one for one in measured.timeline if one.second < measured.seconds - 0.5]
