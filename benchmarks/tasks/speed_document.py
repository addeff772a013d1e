"""The figures of the speed as a table and as a section of the page on tasks; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

P99_MS = 10.0
COMPLEMENT_TIMES = 1.5
LEAST_RECALL = 0.99
HEAD = ("question", "p50 ms", "p99 ms", "p99 from .. to", "requests/s", "processor ms", "recall@10")

Figures = Mapping[str, Any]


def rows(figures: Figures) -> list[tuple[str, ...]]:
    """A row of ``HEAD`` for each kind of questions."""
    return [_row(kind, one) for kind, one in figures["kinds"].items()]


def goals(figures: Figures) -> list[tuple[str, str, bool]]:
    """What was aimed at, what was found, and whether that is enough."""
    kinds = figures["kinds"]
    similar, complement = float(kinds["similar"]["p99_ms"]), float(kinds["complement"]["p99_ms"])
    recall = min(float(one["recall_at_10"]) for one in kinds.values())
    times = complement / similar
    return [
        (f"`similar`: p99 of at most {P99_MS:g} ms", f"{similar:.2f} ms", similar <= P99_MS),
        (
            f"`complement` with 5 categories: p99 of at most {COMPLEMENT_TIMES:g} times {P99_MS:g} ms",
            f"{complement:.2f} ms, {times:.2f} times `similar`",
            complement <= COMPLEMENT_TIMES * P99_MS,
        ),
        (
            f"recall@10 of at least {LEAST_RECALL:g} against every row looked at",
            f"{recall:.4f}",
            recall >= LEAST_RECALL,
        ),
    ]


def section(figures: Figures) -> str:
    """Markdown: what was measured, the table, and the goals."""
    place, load, machine = figures["place"], figures["load"], figures["measured"]
    told = (
        f"{place['products']:,} products of {place['dim']} numbers in {place['leaves']} leaves of 3 levels, served by "
        f"`tritonserver` on {machine['cores']} cores ({machine['processor']}), which the load shares; "
        f"{load['concurrency']} requests under way at any time, each about other products, all 10 documents in every "
        f"answer; medians of {load['rounds']} rounds, the kinds in turn."
    )
    memory = (
        f"The recommender takes {place['memory_mb']:,.0f} MB, of which {place['mapped_mb']:,.0f} MB are files that the "
        f"system may drop and read again, and is ready {place['load_s']:.1f} s after it is started."
    )
    met = [f"- {what}: {found}; {'met' if good else '**missed**'}." for what, found, good in goals(figures)]
    return "\n".join(["## Speed", "", told, "", *_table(HEAD, rows(figures)), "", *met, "", memory, ""])


def _row(kind: str, one: Figures) -> tuple[str, ...]:
    spread = f"{one['p99_ms_least']:.2f} .. {one['p99_ms_most']:.2f}"
    values = (f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.2f}", spread, f"{one['rps']:,.0f}")
    return (kind, *values, f"{served_ms(one):.2f}", f"{one['recall_at_10']:.4f}")


def served_ms(one: Figures) -> float:
    """Processor milliseconds a request, of the server's processes alone."""
    return float(sum(spent for name, spent in one["cpu_ms"].items() if not name.startswith("load")))


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *body]
    return [f"| {' | '.join(line)} |" for line in lines]
