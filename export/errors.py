"""What can go wrong while a release is made.

    ExportError
    ├── BadTowers    towers.toml is not valid; lists every problem
    ├── BadSource    a tower's source cannot be loaded, or is not what a tower needs
    ├── BadRecommender   a trained product tower, or a file beside it, cannot be used; names the file
    ├── BadQueries   a file of queries is not valid; lists every problem
    ├── BadEvaluation    inputs or reference that no graph can be judged by
    │   ├── TooLittle    fewer inputs or products than it takes
    │   ├── BadEvents    a file of purchases or views that cannot be used
    │   └── Leak         what is judged by the test has seen it
    ├── BadComparison    towers, catalogue or queries cannot be compared on; lists every problem
    ├── BadCalibration   there are no real inputs to measure ranges on
    ├── EngineFailed     TensorRT is missing here, refuses a graph, or cannot build its engine; quotes all it said
    ├── PrecisionFailed  a graph cannot be made in a lower precision
    │   └── ModelOptFailed   NVIDIA ModelOpt is missing, fails or takes too long; quotes its last words
    ├── NoSuchRelease    there is no such release to begin with, or it lacks what it takes
    ├── StoreBusy    another export works in the same store, or another run in the same folder of shards
    ├── BulkFailed   a catalogue cannot be embedded on Ray, or its vectors cannot be used
    │   ├── NoRay        Ray is not installed, does not start, or does not answer at its address
    │   ├── WorkerFailed a worker cannot embed; quotes what it said
    │   ├── WorkersLost  workers died more often than is allowed; whole shards stay
    │   ├── WrongShard   a shard of another space or catalogue
    │   ├── DamagedShard a file that is no whole shard: it is made again
    │   └── BadVectors   a folder of shards that is not whole, or whose rows are not those of the towers
    └── GateFailed   a figure of the release is out of its bound

All but the last are for the user to mend; ``GateFailed`` says that the release itself is not good enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from catalogue.errors import listed


class ExportError(Exception):
    """Root of all errors raised by ``export``."""


class BadTowers(ExportError):
    """A towers file that is not valid.

    Args:
        source: The file.
        problems: One line a problem: field, value, what is allowed.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{source}: {len(self.problems)} problem(s)", *(f"  {line}" for line in problems)]))


class BadSource(ExportError):
    """A tower's source cannot be used; the message names it and says what is needed."""


class BadRecommender(ExportError):
    """A trained product tower, or a file of what a recommender knows, that cannot be used; the message names it."""


class BadQueries(ExportError):
    """A file of queries that is not valid.

    Args:
        source: The file.
        problems: One line a problem: line, key, value, what is allowed.
    """

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{source}: {len(self.problems)} problem(s)\n{listed(self.problems)}")


class BadEvaluation(ExportError):
    """Inputs or a reference that no graph can be judged by, whatever it answers."""


class TooLittle(BadEvaluation):
    """Fewer inputs to ask with, or products to find, than it takes to judge anything."""


class BadEvents(BadEvaluation):
    """Purchases or views that cannot be used; the message names the file or the column."""


class Leak(BadEvaluation):
    """Something that was learned has seen events of the test; the message names it. No figure would mean anything."""


class BadComparison(ExportError):
    """Towers, a catalogue or queries that cannot be compared on.

    Args:
        problems: One line a problem: what it is about, what was found, what is allowed.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([f"{len(self.problems)} problem(s)", *(f"  {line}" for line in self.problems)]))


class BadCalibration(ExportError):
    """Inputs that ranges cannot be measured on."""


class EngineFailed(ExportError):
    """A TensorRT engine that could not be built.

    Args:
        problem: What went wrong, and what is allowed.
        messages: What the parser or the builder said, first one first.
    """

    def __init__(self, problem: str, messages: Sequence[str] = ()) -> None:
        self.problem, self.messages = problem, tuple(messages)
        super().__init__("\n".join([problem, *(f"  {line}" for line in self.messages)]))


class PrecisionFailed(ExportError):
    """A graph that cannot be made in a lower precision."""


class ModelOptFailed(PrecisionFailed):
    """NVIDIA ModelOpt, in its own environment, is missing, fails or takes too long."""


class NoSuchRelease(ExportError):
    """A release that another one is to be made of is not there, not whole, or recommends nothing."""


class StoreBusy(ExportError):
    """Another export holds the store, or another run the folder of shards."""


class BulkFailed(ExportError):
    """A catalogue cannot be embedded in bulk; the message says what became of the shards."""


class NoRay(BulkFailed):
    """There is no Ray to run on; the message says how to get one."""


class WorkerFailed(BulkFailed):
    """A worker cannot do its work, and another could not either."""


class WorkersLost(BulkFailed):
    """Workers died more often than is allowed."""


class WrongShard(BulkFailed):
    """A shard that belongs to something else; the message names it."""


class DamagedShard(BulkFailed):
    """A file that is no whole shard; a run makes it again."""


class BadVectors(BulkFailed):
    """Vectors that cannot be taken; the message names the file or the product."""


class GateFailed(ExportError):
    """A figure is out of its bound.

    Args:
        figure: Name of the figure.
        value: What was measured.
        bound: What it must not exceed; with ``at_least``, what it must not fall below.
        worst: The inputs that did worst, as a reader knows them.
        at_least: Whether the bound is the least allowed.
        report: Where all figures can be read, if they can.
    """

    def __init__(
        self,
        figure: str,
        value: float,
        bound: float,
        worst: Sequence[str],
        *,
        at_least: bool = False,
        report: Path | None = None,
    ) -> None:
        self.figure, self.value, self.bound, self.worst = figure, value, bound, tuple(worst)
        self.at_least, self.report = at_least, report
        # Cosines and recalls differ from their bounds in the digits after the nines.
        allowed = f"at least {bound:.6g} is asked" if at_least else f"at most {bound:.3g} is allowed"
        shown = f"{value:.6g}" if at_least else f"{value:.3g}"
        lines = [f"{figure} is {shown}; {allowed}. Worst inputs:", *(f"  {one}" for one in worst)]
        super().__init__("\n".join(lines if report is None else [*lines, f"All figures: {report}"]))
