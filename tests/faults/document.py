"""The table of faults, as ``docs/results/faults.md`` shows it; pure but for the file that it writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]

TITLE = "What breaks, and what callers notice"
COLUMNS = (
    "fault", "requests meanwhile", "failed", "failing for s", "over 1 s", "longest s", "normal after s",
    "writes acknowledged / lost", "event log",
)  # fmt: skip

INTRODUCTION = """\
A tiny real release is served by `python -m deploy serve`, as a process of its own with a keeper and a living
catalogue. Four callers ask it without a pause of more than 40 ms and **without ever trying again**: two by text (one
with a filter), one by photo, and one who writes, a new product and then its new price. Then something breaks. When
callers have had three seconds of peace, every write that was acknowledged since the start is looked for in one
search. `python -m tests.faults --document docs/results` runs it and writes this page; each row is a test that asserts
what it shows.\
"""

READING = """\
- **failed**: by kind of request and error of [clients/errors.py](../../clients/errors.py). All those of `Unavailable`
  (`NoServer` among them) are tried again by a client with its default settings, which these callers had switched off.
- **failing for**: from the fault to the end of the last request that failed. **normal after**: to the end of the last
  one that failed or took more than a second.
- A write that ended with an error may have been done or not, and is not counted; one that was acknowledged and is not
  found, or not with its last price, is **lost**.
- What else was tried, and is not in the table: kills of writers, the keeper and followers between any two
  instructions ([tests/living](../../tests/living)), wrong and hanging models, a hanging server
  ([tests/deploy/test_faults.py](../../tests/deploy/test_faults.py)).\
"""

UNKNOWN = """\
- Each fault was made once in the run shown, at a moment of the test's choice; seconds differ by half from run to run
  on a busy machine. With real towers a restart takes longer: loading them is most of it.
- A disk that fails instead of being full, a kernel out of memory, a network that loses packets, and a second machine
  were not tried.
- PostgreSQL ran on the same machine, without a replica: what a failover of it looks like is its own documentation's
  matter.\
"""


def render(rows: Sequence[Row], skipped: Mapping[str, str], machine: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        rows: Of the trials, in their order.
        skipped: Tests that could not be had here, and why.
        machine: Date and machine, as `benchmarks.figures.measured` tells them.
    """
    told = [f"- {name}: {why}" for name, why in skipped.items()]
    parts = [f"# {TITLE}", INTRODUCTION, table(rows)]
    notes = [f"- {row['fault']}: {row['note']}." for row in rows if row.get("note")]
    parts += ["\n".join(notes)] if notes else []
    parts += ["**Not to be had on this machine:**\n\n" + "\n".join(told)] if told else []
    where = (
        f"{machine['date'][:10]}; {machine['processor']}, {machine['cores']} cores, Python {machine['python']}, no GPU."
    )
    parts += ["## How to read it", READING, "## What is not known", UNKNOWN, where]
    return "\n\n".join(parts) + "\n"


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|" + "---|" * len(COLUMNS)]
    return "\n".join([*lines, *(f"| {' | '.join(_cells(row))} |" for row in rows)])


def _cells(row: Row) -> list[str]:
    if "asked" not in row:  # nothing was served
        return [row["fault"], "", "does not start", *[""] * (len(COLUMNS) - 3)]
    asked = ", ".join(f"{count} {kind}" for kind, count in sorted(row["asked"].items()))
    failed = ", ".join(f"{count} {name}" for name, count in row["failed"].items()) or "none"
    seconds = (f"{row[name]:.1f}" for name in ("failing_s", "longest_s", "normal_s"))
    failing, longest, normal = seconds
    writes = f"{row['acknowledged']} / {row['lost']}"
    events = ", ".join(f"`{kind}`" for kind in row["events"]) or "nothing"
    return [row["fault"], asked, failed, failing, str(row["slow"]), longest, normal, writes, events]


def write(folder: Path, page: str) -> Path:
    """Write the page into a folder of documents."""
    path = folder / "faults.md"
    path.write_text(page, "utf-8")
    return path
