"""Writes docs/results/drift.md and drift.json."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist

from benchmarks.drift.trials import (
    BASELINE_PHOTOS,
    BASELINE_TEXTS,
    PATIENCE,
    SPLITS,
    WINDOW_PHOTOS,
    WINDOW_TEXTS,
    Shop,
    Tally,
)
from deploy.drift.baseline import ALPHA, Baseline
from deploy.drift.thresholds import DRAWS
from export.identity import versions

_CONFIDENCE = 0.95
# Of two windows of half a minute each.
_LOOKS_A_DAY = 1_440


@dataclass(frozen=True)
class Row:
    """One kind of traffic.

    Args:
        domain: What was asked.
        share: How much of it; None for usual traffic.
        tally: What was said of it.
    """

    domain: str
    share: float | None
    tally: Tally


def interval(count: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    squared = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2) ** 2
    middle = (count + squared / 2) / (of + squared)
    half = math.sqrt(squared * (count * (of - count) / of + squared / 4)) / (of + squared)
    return max(0.0, middle - half), min(1.0, middle + half)


def write_document(folder: Path, rows: Sequence[Row], shop: Shop, baseline: Baseline) -> None:
    """Write both files.

    Args:
        folder: Where.
        rows: Usual traffic first.
        shop: What was drawn from.
        baseline: One of the baselines, for the statistics' names.
    """
    now = datetime.now(UTC).date().isoformat()
    facts = {
        "date": now,
        "versions": versions(),
        "alpha": ALPHA,
        "statistics": list(baseline.measures),
        "rows": [{**asdict(row), "alarm_rate_95": interval(row.tally.alarms, row.tally.looks)} for row in rows],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "drift.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    (folder / "drift.md").write_text(_page(now, rows, shop, baseline), "utf-8")


def _page(now: str, rows: Sequence[Row], shop: Shop, baseline: Baseline) -> str:
    made, usual = versions(), rows[0].tally
    beyond, alarms = _rate(usual.beyond, usual.windows), _rate(usual.alarms, usual.looks)
    alarms_low, alarms_high = interval(usual.alarms, usual.looks)
    texts, photos, count = f"{len(shop.texts):,}", f"{len(shop.photos):,}", len(baseline.measures)
    return f"""# Drift: false alarms and detection

Measured {now} by `make bench-drift` (`python -m benchmarks.drift`), Python {made["python"]}, numpy {made["numpy"]},
onnxruntime {made["onnxruntime"]}.

**Data.** The items of a web shop (UCI Online Retail) and photos of groceries, in a release with the sample's towers
(MiniLM; vision of 96 pixels). A query is two to five words of an item's title: {texts} of them, and {photos} photos.
Items and photos are halved by chance, {SPLITS} times: a baseline of {BASELINE_TEXTS} texts and {BASELINE_PHOTOS} photos
is drawn from one half, windows of {WINDOW_TEXTS} texts and {WINDOW_PHOTOS} photos from the other, so that they share
no item and no photo with it. Each look judges two windows in a row that share no query, as the monitor does.

**Level.** {count} statistics; alpha = {ALPHA:g} for a window, over all of them (Bonferroni); thresholds from {DRAWS:,}
windows drawn from the baseline. An alarm is one statistic that is beyond its threshold in both windows.

## Usual traffic

| what | rate | 95 % interval |
|---|---|---|
| windows with a statistic beyond its threshold | {usual.beyond} of {usual.windows} = {beyond} |
| looks with an alarm: **false alarms** | {usual.alarms} of {usual.looks} = {alarms} |

By statistic: {_by(usual) or "none"}. The intervals (Wilson) take windows as independent. Those of one split
share a baseline, and some of their queries: the {usual.looks} looks are of {SPLITS} baselines, and a baseline that is
unlucky alarms again and again. So the true interval is wider.

**In a day.** A shop whose windows fill in 30 seconds is judged on {_LOOKS_A_DAY:,} pairs that share no window, so that
this rate is {_a_day(alarms_low)} to {_a_day(alarms_high)} false alarms a day,
{_a_day(usual.alarms / usual.looks)} by the middle;
one whose windows take an hour to fill has one in {_days(usual)} days.

## Other traffic

A share of the texts, or all photos, comes from elsewhere. "Windows" is the median number of windows until the alarm;
two is the least that there can be, and "-" stands for more than {PATIENCE}.

| traffic | share | alarms | of looks | windows | statistics in alarm, and how often |
|---|---|---|---|---|---|
{chr(10).join(_line(row) for row in rows[1:])}

## What it does not tell

The queries are made of titles: real shoppers' were not to be had. Each is asked once, in baseline and windows
alike. Traffic of which a few queries are a great part was not drawn: a baseline from a list without repeats may alarm
on it, though the domain is the same. Seasons and fashions are not in it: traffic that
changes with the year is drift by this measure, as it should be. A baseline that was made of the catalogue's titles
says little of shoppers who type otherwise: give real queries to `export release --queries`.
"""


def _a_day(rate: float) -> str:
    return f"{rate * _LOOKS_A_DAY:.1f}"


def _days(usual: Tally) -> str:
    """Between two false alarms, where a look's two windows take two hours."""
    return f"{usual.looks / usual.alarms / 12:.0f}" if usual.alarms else "many"


def _rate(count: int, of: int) -> str:
    low, high = interval(count, of)
    return f"{count / of:.2%} | {low:.2%} to {high:.2%}"


def _by(tally: Tally) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(tally.by.items(), key=lambda one: -one[1])[:4])


def _line(row: Row) -> str:
    found = row.tally
    share = "" if row.share is None else f"{row.share:.0%}"
    wait = "-" if found.wait is None else f"{found.wait:.0f}"
    return f"| {row.domain} | {share} | {found.alarms / found.looks:.0%} | {found.looks} | {wait} | {_by(found)} |"
