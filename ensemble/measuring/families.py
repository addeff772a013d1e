"""Names of what is measured, with base units in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
PREFIX = "tandem_"


@dataclass(frozen=True)
class Family:
    """One name.

    Args:
        name: As Prometheus knows it.
        text: What it tells.
        kind: How it is added up.
        bounds: Of a histogram: the upper ends of its buckets, ascending; one without an end follows.
    """

    name: str
    text: str
    kind: Kind
    bounds: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.name.startswith(PREFIX):
            raise ValueError(f"`name` must begin with {PREFIX}, got {self.name!r}")
        if (self.kind == "histogram") != bool(self.bounds) or list(self.bounds) != sorted(set(self.bounds)):
            raise ValueError(f"`bounds` must ascend for a histogram, and be none otherwise, got {self.bounds}")


REPORTED = Family("tandem_reported_timestamp_seconds", "When this process last told what it measured", "gauge")
BATCH = Family("tandem_batch_rows", "Rows answered in one call of a model", "histogram", (1, 2, 4, 8, 16, 32, 64))

SEARCHES = Family("tandem_searches_total", "Rows searched, by what was asked and what came of it", "counter")
SELECTIVITY = Family(
    "tandem_filter_selectivity_ratio",
    "Share of the index that passes a row's filter; rows without one are left out",
    "histogram",
    (0.0, 0.0001, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0),
)

RECOMMENDATIONS = Family(
    "tandem_recommendations_total", "Rows asked for recommendations, by what came of it", "counter"
)
RECOMMENDED = Family("tandem_recommended_total", "Products recommended, by the rule that found them", "counter")

LIVE = Family("tandem_index_live_rows", "Rows that a search may find", "gauge")
DEAD = Family("tandem_index_dead_rows", "Rows that no search finds any more, until the next snapshot", "gauge")
UNEMBEDDED = Family("tandem_index_unembedded_products", "Products without a row, which cannot be found", "gauge")
ROW_BYTES = Family("tandem_index_row_bytes", "Memory of the rows, in float16", "gauge")
APPLIED = Family("tandem_index_applied_seq", "Last journal entry in the index", "gauge")
ON_GPU = Family("tandem_index_on_gpu", "1 where a GPU searches", "gauge")
BEHIND = Family(
    "tandem_journal_behind_seconds",
    "Age of the last look at the journal that the index holds all of: what was written before it can be found",
    "gauge",
)
TROUBLE = Family("tandem_journal_trouble", "1 while the catalogue cannot be followed", "gauge")

IN_FLIGHT = Family("tandem_in_flight", "Requests under way in this server, those of many rows by their weight", "gauge")
MAX_IN_FLIGHT = Family("tandem_max_in_flight", "Requests that this server takes at once", "gauge")
REFUSED = Family("tandem_refused_total", "Requests refused because too many were under way", "counter")

LOOKUPS = Family("tandem_tower_cache_lookups_total", "Rows that a tower was asked for", "counter")
HITS = Family("tandem_tower_cache_hits_total", "Rows that a tower remembered", "counter")

WRITES = Family("tandem_writes_total", "Rows written to the catalogue, or not", "counter")
