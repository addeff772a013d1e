"""A progress bar with a rate and the time left, as the long commands of the sample and of training show it."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class RateColumn(ProgressColumn):
    """Items a second, or a dash before the first one."""

    def render(self, task: Task) -> Text:
        """Return the rate of ``task``."""
        return Text(f"{task.speed:.1f}/s" if task.speed else "-/s")


def bar(console: Console | None = None) -> Progress:
    """Return a progress display; use it as a context manager."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)
