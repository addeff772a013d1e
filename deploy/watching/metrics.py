"""What ``watch`` tells Prometheus, at an address of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from deploy.drift import DriftMetrics, DriftReport
from deploy.errors import PortTaken
from deploy.watching.breach import BOUNDS, Breach
from deploy.watching.deciding import Decision
from deploy.watching.observing import Observation, Readings
from deploy.watching.uptime import Uptime


class WatchMetrics:
    """The figures of looks, of breaches, and of what was done about them.

    Args:
        registry: Where they are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._recall = Gauge(
            "tandem_probe_recall", "Recall@10 of the questions with known answers", ["release"], registry=registry
        )
        self._questions = Gauge(
            "tandem_probe_questions", "Questions that the recall is over", ["release"], registry=registry
        )
        self._baseline = Gauge(
            "tandem_probe_recall_baseline", "Recall@10 that the release reached when it was made", ["release"],
            registry=registry,
        )  # fmt: skip
        self._known = Gauge(
            "tandem_probe_questions_known", "Questions with known answers of the release", ["release"],
            registry=registry,
        )  # fmt: skip
        self._asked = Counter(
            "tandem_probe_asked", "Questions, by what came of them", ["release", "outcome"], registry=registry
        )
        self._answered = Gauge(
            "tandem_probe_answered_ratio",
            "Share of questions answered on the last 31 recorded days",
            registry=registry,
        )
        self._breaches = Counter(
            "tandem_watch_breaches", "Looks that found a bound breached", ["bound"], registry=registry
        )
        self._excused = Counter(
            "tandem_watch_excused", "Looks that found it breached, not by the release", ["bound"], registry=registry
        )
        for bound in BOUNDS:
            self._breaches.labels(bound)
            self._excused.labels(bound)
        self._rollbacks = Counter("tandem_watch_rollbacks", "Rollbacks that were made", registry=registry)
        self._ended = Counter("tandem_watch_canaries_ended", "Releases taken off trial", registry=registry)
        self._errors = Counter("tandem_watch_errors", "Looks that the program itself failed at", registry=registry)
        self._alarm = Gauge("tandem_watch_alarm", "1 while a person is needed", registry=registry)
        self._shown: set[int] = set()
        self._last = Gauge(
            "tandem_watch_last_look_timestamp_seconds", "When the server was last looked at", registry=registry
        )
        self._drift = DriftMetrics(registry)

    def show(self, seen: Observation, breaches: tuple[Breach, ...], decision: Decision, uptime: Uptime) -> None:
        """Show one look."""
        self._last.set(seen.time)
        self._alarm.set(decision.kind == "alarm")
        self._answered.set(1.0 if uptime.share is None else uptime.share)
        there = tuple(filter(None, (seen.live, seen.canary)))
        self._forget_all_but({readings.release for readings in there})
        for readings in there:
            self._show_questions(readings)
        for breach in breaches:
            (self._breaches if breach.excuse is None else self._excused).labels(breach.bound).inc()

    def show_drift(self, report: DriftReport | None) -> None:
        """Show the newest report of drift; nothing for None."""
        if report is None:
            self._drift.clear()
        else:
            self._drift.show(report)

    def alarm(self) -> None:
        """Call a person, until the next look is shown."""
        self._alarm.set(1)

    def failed(self) -> None:
        """Count a look that the program itself failed at."""
        self._errors.inc()

    def acted(self, decision: Decision) -> None:
        """Count what was done."""
        (self._rollbacks if decision.kind == "rollback" else self._ended).inc()

    def _show_questions(self, readings: Readings) -> None:
        release, recall = readings.release, readings.recall
        for outcome in ("answered", "refused", "failed"):
            self._asked.labels(release, outcome).inc(getattr(readings, outcome))
        self._known.labels(release).set(readings.known)
        if recall is not None:
            self._recall.labels(release).set(recall.mean)
            self._questions.labels(release).set(recall.asked)
            self._baseline.labels(release).set(recall.baseline)

    def _forget_all_but(self, releases: set[int]) -> None:
        """Take away what nobody measures any more: it would be read as if it were so now."""
        for release in self._shown - releases:
            for gauge in (self._recall, self._questions, self._baseline, self._known):
                gauge.remove_by_labels({"release": str(release)})
        self._shown = releases


@contextmanager
def serving(registry: CollectorRegistry, port: int) -> Iterator[None]:
    """Let Prometheus read metrics at a port of loopback; 0 for nobody.

    Raises:
        PortTaken: Another program listens there.
    """
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise PortTaken(
            f"the metrics port {port} cannot be used: {error.strerror}; give another with --metrics-port, 0 for none"
        ) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
