"""What is read when Prometheus asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import get_args

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from deploy.audit import Audit, Outcome
from deploy.errors import DeployError
from deploy.events import Event, Kind
from deploy.supervising.figures import GateFigure, gate_figures
from deploy.switching.values import Action, Status
from ensemble.errors import DamagedRelease
from ensemble.release import Manifest, manifest_path

_REPAIRS = "recovered"
_RESTARTS = "restarted"
NOBODY = 0
# Made by the server itself, when the live release does not stay up.
FALL_BACK = "fall_back"


class Releases(Collector):
    """Which releases answer, and how good they were found to be.

    Args:
        store: Holds their manifests.
        status: What the server answers from; a ``DeployError`` where it does not answer.
    """

    def __init__(self, store: Path, status: Callable[[], Status]) -> None:
        self._status = status
        self._figures = cache(lambda release: _figures(store, release))

    def collect(self) -> Iterable[Metric]:
        """See ``Collector.collect``."""
        try:
            status = self._status()
        except DeployError:
            yield _gauge("tandem_up", "1 while requests are answered", 0)
            return
        yield _gauge("tandem_up", "1 while requests are answered", 1)
        yield from self._releases(status)
        yield from self._gate(status.live)

    def _releases(self, status: Status) -> Iterator[Metric]:
        canary = status.canary
        yield _gauge("tandem_live_release", "The release that public names answer from", status.live)
        previous = NOBODY if status.previous is None else status.previous
        yield _gauge("tandem_previous_release", "The release that a rollback goes to; 0 for none", previous)
        yield _gauge("tandem_canary_release", "The release on trial; 0 for none", canary.release if canary else NOBODY)
        yield _gauge("tandem_canary_share", "Share of the callers that it answers", canary.share if canary else 0.0)
        yield _gauge("tandem_switching", "1 while a switch is being made", float(status.switching is not None))
        loaded = GaugeMetricFamily("tandem_loaded", "1 for each release whose parts are loaded", labels=["release"])
        for release in status.loaded:
            loaded.add_metric([str(release)], 1)
        yield loaded

    def _gate(self, release: int) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "tandem_gate_figure",
            "What the live release was let through with, in the unit of the figure's name",
            labels=["release", "tower", "figure"],
        )
        for figure in self._figures(release):
            family.add_metric([str(release), figure.tower, figure.name], figure.value)
        yield family


class Switches(Collector):
    """What the audit log counts: it outlives every restart, and so do these numbers.

    Args:
        audit: The log.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def collect(self) -> Iterable[Metric]:
        """See ``Collector.collect``."""
        family = CounterMetricFamily(
            "tandem_switches", "Switches asked for, by what came of them", labels=["action", "outcome"]
        )
        counts = Counter(dict.fromkeys(product((*get_args(Action), FALL_BACK), get_args(Outcome)), 0))
        counts.update((entry.action, entry.outcome) for entry in self._audit.all())
        for labels, count in counts.items():
            family.add_metric(labels, count)
        yield family


class Happenings(Collector):
    """Counts events as they are told; all kinds are there from the start, so that the first of one is a rise."""

    def __init__(self) -> None:
        self._counts = Counter[str](dict.fromkeys(get_args(Kind), 0))

    def happened(self, event: Event) -> None:
        """Count one; for ``EventLog.listen``."""
        self._counts[event.kind] += 1

    def collect(self) -> Iterable[Metric]:
        """See ``Collector.collect``."""
        counts = self._counts.copy()
        yield CounterMetricFamily("tandem_repairs", "Models that were reloaded and are well", counts[_REPAIRS])
        yield CounterMetricFamily("tandem_restarts", "Restarts of tritonserver that succeeded", counts[_RESTARTS])
        events = CounterMetricFamily("tandem_events", "What happened to the server, by kind", labels=["kind"])
        for kind, count in counts.items():
            events.add_metric([kind], count)
        yield events


def _figures(store: Path, release: int) -> tuple[GateFigure, ...]:
    try:
        return tuple(gate_figures(Manifest.load(manifest_path(store, release))))
    except (DamagedRelease, ValueError, TypeError):
        return ()  # the release is served all the same: whoever checks it tells what is wrong


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
