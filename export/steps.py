"""Steps of a release: timed, shown, and noted for the manifest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.progress import Progress, TaskID

from ensemble.release import Figure, Step


@dataclass
class Recorder:
    """Collects the record of each step, and shows its progress.

    Args:
        progress: Where it is shown.
        steps: Those that are done.
    """

    progress: Progress
    steps: list[Step] = field(default_factory=list)

    @contextmanager
    def step(self, name: str, *, unit: str = "") -> Iterator[Running]:
        """Time a step; figures put into what it yields land in the manifest.

        Args:
            name: Name of the step.
            unit: What the rate counts, where the step is told its total.
        """
        task = self.progress.add_task(name, total=None, unit=unit)
        running = Running(self.progress, task)
        started = time.perf_counter()
        yield running
        self.progress.update(task, total=running.total, completed=running.total)
        if not running.figures.get("resumed", True):
            del running.figures["resumed"]
        self.steps.append(Step(name, round(time.perf_counter() - started, 3), running.figures))


@dataclass
class Running:
    """A step that runs.

    Args:
        progress: Where it is shown.
        task: Its bar.
        figures: What it found so far.
        total: How many units of work it has.
    """

    progress: Progress
    task: TaskID
    figures: dict[str, Figure] = field(default_factory=dict)
    total: int = 1
    _started: bool = False

    def resumed(self, resumed: bool) -> None:
        """Note in the figures that an earlier run did this; a step of several parts only if it did all."""
        self.figures["resumed"] = resumed and self.figures.get("resumed", True)

    def start(self, total: int) -> Callable[[int], None]:
        """Show a bar of ``total`` units, or of so many more; gives the function that is told of units done."""
        self.total = self.total + total if self._started else total
        self._started = True
        self.progress.update(self.task, total=self.total)
        return lambda count: self.progress.advance(self.task, count)
