"""What Triton counts, read from its Prometheus metrics.

Triton 2.51 counts an ensemble's failed request twice, under the reason ``OTHER``, whatever it failed for; requests that
a Python model refuses count as answered by it. Ensembles are version 1 always, their parts the version of the release.
Counters begin at 0 with the server, and with an ensemble that is loaded anew.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

from clients.canary import SUFFIX
from deploy.watching.own_counts import OWN, OwnCounts, Series

# What a caller can ask that depends on the release alone; writes depend on the database.
KINDS = (
    *("search_text", "search_image", "search", "recommend", "recommend_product"),
    *("embed_text", "embed_image", "embed_product"),
)
_ENSEMBLES = frozenset({*KINDS, *(kind + SUFFIX for kind in KINDS), "upsert_product"})
_TWICE = 2

Model = tuple[str, str]


@dataclass(frozen=True)
class Counts:
    """Counters of one version of a model.

    Args:
        succeeded: Requests that were answered.
        failed: Requests that were not.
        rejected: Those of them that a full queue refused.
        request_us: Time from receiving requests to sending answers, in microseconds, summed.
        queue_us: That of it spent waiting in a queue.
    """

    succeeded: float = 0.0
    failed: float = 0.0
    rejected: float = 0.0
    request_us: float = 0.0
    queue_us: float = 0.0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counts)))

    def since(self, earlier: Counts) -> Counts:
        """What was counted between two looks; all of it where a counter went back to 0 in between."""
        pairs = [(getattr(self, one.name), getattr(earlier, one.name)) for one in fields(Counts)]
        began_anew = any(now < then for now, then in pairs)
        return self if began_anew else Counts(*(now - then for now, then in pairs))


NONE = Counts()


@dataclass(frozen=True)
class Scrape:
    """Triton's metrics at one moment.

    Args:
        time: When, in seconds of a clock that only goes on.
        counts: By model and version.
        p99_ms: By model and version; absent where no request came within the last minute.
        own: What the models count themselves.
    """

    time: float
    counts: Mapping[Model, Counts]
    p99_ms: Mapping[Model, float]
    own: OwnCounts = field(default_factory=OwnCounts)

    @classmethod
    def parse(cls, text: str, time: float) -> Self:
        """Read Prometheus' text format.

        Raises:
            ValueError: It is not in that format.
        """
        values: dict[Model, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        quantiles: dict[Model, float] = {}
        own: dict[Series, float] = {}
        for name, labels, value in _samples(text):
            model = (labels.get("model", ""), labels.get("version", ""))
            if name == "nv_inference_request_summary_us":
                if labels.get("quantile") == "0.99" and math.isfinite(value):
                    quantiles[model] = value / 1_000
            elif name in _COUNTERS:
                values[model][_COUNTERS[name]] += value
                if labels.get("reason") == "REJECTED":
                    values[model]["rejected"] += value
            elif name in OWN:
                own[Series.of(name, labels)] = value
        return cls(time, {model: Counts(**counted) for model, counted in values.items()}, quantiles, OwnCounts(own))

    def kind(self, name: str) -> Counts:
        """Counters of an ensemble, each request once."""
        counts = self.counts.get((name, "1"), NONE)
        return Counts(counts.succeeded, counts.failed / _TWICE, counts.rejected / _TWICE)

    def parts(self, release: int) -> dict[str, Counts]:
        """Counters of the parts of a release, by model."""
        return {
            model: counts
            for (model, version), counts in self.counts.items()
            if version == str(release) and model not in _ENSEMBLES
        }

    def parts_since(self, earlier: Scrape, release: int) -> Counts:
        """What the parts of a release counted between two looks. Each for itself: any may have begun anew."""
        before = earlier.parts(release)
        return sum((now.since(before.get(model, NONE)) for model, now in self.parts(release).items()), NONE)


_COUNTERS = {
    "nv_inference_request_success": "succeeded",
    "nv_inference_request_failure": "failed",
    "nv_inference_request_duration_us": "request_us",
    "nv_inference_queue_duration_us": "queue_us",
}


def _samples(text: str) -> Iterable[tuple[str, Mapping[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # The parser gives counters the suffix that Triton leaves out.
            yield sample.name.removesuffix("_total"), sample.labels, float(sample.value)
