"""Progress of a build, which TensorRT tells from threads of its own, and the way to end it early."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Advance = Callable[[int], None]


@dataclass
class Phases:
    """Phases of a build, nested, as one figure of 0 to 100.

    Args:
        advance: Told of each percent that is done, once; the last one is left to ``finish``.
    """

    advance: Advance
    _open: dict[str, _Phase] = field(default_factory=dict)
    _told: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cancel(self) -> None:
        """Have the build end at its next step."""
        self._stop.set()

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase of ``steps`` steps begins inside another, or on its own."""
        with self._lock:
            self._open[name] = _Phase(parent, max(steps, 1))

    def step(self, name: str, step: int) -> bool:
        """A step of a phase is done; whether to go on."""
        with self._lock:
            if name in self._open:
                self._open[name].done = step + 1
                self._tell(min(99, int(100 * self._share(name))))
        return not self._stop.is_set()

    def end(self, name: str) -> None:
        """A phase is over."""
        with self._lock:
            self._open.pop(name, None)

    def finish(self) -> None:
        """The build is over."""
        with self._lock:
            self._tell(100)

    def _share(self, name: str) -> float:
        """How much of the outermost phase is done, where ``name`` is the one that moved."""
        share, at = 0.0, name
        while True:
            phase = self._open[at]
            share = min(1.0, (phase.done + share) / phase.steps)
            if phase.parent is None or phase.parent == at or phase.parent not in self._open:
                return share
            at = phase.parent

    def _tell(self, percent: int) -> None:
        if percent > self._told:
            self.advance(percent - self._told)
            self._told = percent


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


def make_monitor(trt: Any, phases: Phases) -> Any | None:
    """An ``IProgressMonitor`` that tells ``phases``; ``None`` for TensorRT 8.6, which has none."""
    if not hasattr(trt, "IProgressMonitor"):
        return None

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            return phases.step(phase_name, step)

        def phase_finish(self, phase_name: str) -> None:
            phases.end(phase_name)

    return Monitor()
