"""Runs parts through workers on Ray Data."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from export.bulk.worker import SAID, Setup, Worker, said
from export.errors import WorkerFailed, WorkersLost

# How often a part is begun: what brings a worker down by itself, such as a picture that breaks its decoder, would do so
# for ever, since Ray starts workers anew.
MAX_TRIES = 4


class _Tries:
    """Counts how often each part was begun; it lives in a process of its own, and workers come and go."""

    def __init__(self) -> None:
        self._begun: dict[tuple[int, int], int] = {}

    def begin(self, shard: int, place: int) -> int:
        self._begun[shard, place] = self._begun.get((shard, place), 0) + 1
        return self._begun[shard, place]


class _Actor:
    """A worker as Ray Data makes it. What goes wrong in it is an answer: Ray would tell it with its own insides."""

    def __init__(self, references: Sequence[Any]) -> None:
        import ray

        self._get = ray.get
        setup, self._tries = references
        self._worker: Worker | None = None
        self._problem = ""
        try:
            self._worker = Worker(ray.get(setup))
        except WorkerFailed as error:
            self._problem = str(error)

    def __call__(self, part: Any) -> Any:
        if self._worker is None:
            return said(WorkerFailed, self._problem)
        tries = self._get(self._tries.begin.remote(part["shard"][0].as_py(), part["place"][0].as_py()))
        if tries > MAX_TRIES:
            return said(WorkersLost, _lost(part))
        try:
            return self._worker.embed(part)
        except WorkerFailed as error:
            return said(WorkerFailed, str(error))


def _lost(part: Any) -> str:
    first, last = (json.loads(part["product"][at].as_py())["id"] for at in (0, len(part) - 1))
    return (
        f"workers died {MAX_TRIES} times over the same {len(part)} product(s), {first!r} to {last!r}: one of them may "
        "be what they die of (--batch 1 finds it), or they are out of memory (--workers, --batch)"
    )


def embedded(ray: Any, parts: Sequence[Any], setup: Setup, workers: int) -> Iterator[Any]:
    """Embed tables of ``planning.PART``; what comes out comes in any order, some rows at a time.

    A worker that dies is started again, and its part given to it or to another, ``MAX_TRIES`` times in all.

    Args:
        ray: Connected.
        parts: At least one.
        setup: What workers start from.
        workers: How many.

    Raises:
        WorkerFailed: A worker says so.
        WorkersLost: They died over one part more often than is allowed, or Ray itself is lost.
    """
    _quieten(ray)
    # In a list they arrive as references, and not as a copy a worker.
    references = [ray.put(setup), ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Tries).remote()]
    made = ray.data.from_arrow(list(parts)).map_batches(
        _Actor,
        # One call a part: what is embedded together must not depend on how Ray cuts its blocks.
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
        fn_constructor_args=(references,),
    )
    try:
        # Nothing is fetched ahead: that would hold back what is whole until the next is.
        tables = made.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        with contextlib.closing(iter(tables)) as batches:
            for table in batches:
                _hear(table)
                yield table
    except ray.exceptions.RayTaskError as error:
        raise WorkerFailed(f"a worker failed: {_last_line(error)}") from error
    except ray.exceptions.RayError as error:
        raise WorkersLost(f"Ray lost its workers: {_last_line(error)}") from error


def _hear(table: Any) -> None:
    if table["shard"][0].as_py() == SAID:
        kind, message = table["content"][0].as_py(), table["problem"][0].as_py()
        raise WorkersLost(message) if kind == WorkersLost.__name__ else WorkerFailed(message)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _quieten(ray: Any) -> None:
    """Have Ray Data tell nothing by itself: what goes wrong is raised."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
