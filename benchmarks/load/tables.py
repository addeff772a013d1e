"""The figures as tables: for the terminal by rich, for the document in Markdown; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

Figures = Mapping[str, Any]
Rows = Sequence[Sequence[str]]
Titled = tuple[str, Sequence[str], Rows]


def tables(figures: Figures) -> Iterator[Titled]:
    """Title, head and rows of each table; parts that were not measured are left out."""
    steady = [(name, figures[name]) for name in ("at_50", "at_80") if name in figures]
    if steady:
        yield (
            "Steady load",
            ("load", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "errors", "core-s a million"),
            [
                (
                    f"{name[3:]} % of the knee",
                    *_numbers(part, "rps", "p50_ms", "p99_ms", "p999_ms", "errors", "core_s_per_million"),
                )
                for name, part in steady
            ],
        )
        yield from _kinds(steady[-1][1])
        yield from _stages(steady[-1][1])
    if "overload_3x" in figures:
        yield "Three times the knee", ("what", "found"), _overload(figures["overload_3x"])
    if "switch" in figures:
        yield "Switching under load", ("what", "found"), _switch(figures["switch"])
    if "tried" in figures:
        yield (
            "The search for the knee",
            ("requests/s", "for s", "answered/s", "p50 ms", "p99 ms", "failed", "sent late", "held"),
            [
                (
                    f"{one['rps']:,.0f}",
                    f"{one['seconds']:,.0f}",
                    *_numbers(one, "achieved_rps", "p50_ms", "p99_ms", "failed", "late"),
                    "yes" if one["holds"] else "no",
                )
                for one in sorted(figures["tried"], key=lambda one: float(one["rps"]))
            ],
        )


def _kinds(part: Figures) -> Iterator[Titled]:
    rows = [
        (name, f"{one['requests'] / part['requests']:.0%}", *_numbers(one, "p50_ms", "p99_ms"))
        for name, one in part["kinds"].items()
    ]
    yield "At 80 % of the knee, by kind", ("kind", "of the requests", "p50 ms", "p99 ms"), rows


def _stages(part: Figures) -> Iterator[Titled]:
    total = sum(part["processor_s"].values())
    processor = [
        (name, f"{1e6 * seconds / part['requests']:,.0f}", f"{seconds / total:.0%}")
        for name, seconds in part["processor_s"].items()
        if seconds >= 0.005 * total
    ]
    yield "Processor time, by process", ("process", "core-s a million", "part"), processor
    yield (
        "Time of a request, by model",
        ("model", "queue ms", "work ms", "copies ms", "rows a run"),
        [(one["model"], *_numbers(one, "queue_ms", "infer_ms", "copy_ms", "batch")) for one in part["stages"]],
    )


def _overload(part: Figures) -> Rows:
    others = {name: count for name, count in part["failed"].items() if name != "QueueFull"}
    return [
        ("requests/s offered", f"{part['offered_rps']:,}"),
        ("requests/s answered", f"{part['accepted_rps']:,}"),
        ("answered: p50, p99", f"{part['accepted_p50_ms']:,} ms, {part['accepted_p99_ms']:,} ms"),
        ("rejected", f"{part['rejected']:,}"),
        ("rejection: p50, p99", f"{part['rejection_p50_ms']} ms, {part['rejection_p99_ms']} ms"),
        ("other failures", ", ".join(f"{count:,} {name}" for name, count in others.items()) or "none"),
        ("normal again after", f"{part['recovery_s']:g} s"),
        ("sent more than 10 ms late", f"{part['late_10ms']:,}"),
    ]


def _switch(part: Figures) -> Rows:
    trial = ", ".join(f"{count:,} {name}" for name, count in sorted(part["trial"].items())) or "none"
    return [
        (
            "requests",
            f"{part['requests']:,} in {part['seconds']:g} s, {part['rps']:,} a second; {part['writes']:,} are writes",
        ),
        ("activations and rollbacks", f"{part['activations']}, {len(part['not_done'])} more were refused or failed"),
        ("one took, median and longest", _took([*part["switch_s"]["activate"], *part["switch_s"]["rollback"]])),
        ("not answered at first, outside of restarts", f"{part['refused_at_first']:,}"),
        ("failed in the end, outside of restarts", f"{part['failed']:,}"),
        ("restarts", f"{part['restarts']}, {part['restart_s']:g} s, {part['failed_in_restarts']:,} requests failed"),
        ("mixed answers", f"{part['mixed']:,}; {part['apart']:.1%} of the requests would show one"),
        ("answers by release", ", ".join(f"{number}: {count:,}" for number, count in part["releases"].items())),
        (
            "p99 during switches, without, ratio",
            f"{part['p99_ms']} ms, {part['p99_without_ms']} ms, {part['p99_ratio']}",
        ),
        ("answers of the release on trial", trial),
    ]


def _took(seconds: Sequence[float]) -> str:
    return f"{sorted(seconds)[len(seconds) // 2]:.2f} s, {max(seconds):.2f} s" if seconds else ""


def _numbers(part: Figures, *names: str) -> Iterator[str]:
    for name in names:
        value = part[name]
        yield f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" if abs(value) < 10 else f"{value:,.0f}"


def shown(titled: Titled) -> Table:
    """A table for the terminal."""
    title, head, rows = titled
    table = Table(*head, title=title)
    for row in rows:
        table.add_row(*row)
    return table


def markdown(titled: Titled) -> str:
    """A table for a document, under its title."""
    title, head, rows = titled
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
    return f"### {title}\n\n" + "\n".join(lines)
