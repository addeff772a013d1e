"""Notes a sample of a model's requests, and writes it down window by window, beside the requests."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from ensemble.arrays import from_device
from ensemble.observing.features import Features, Row
from ensemble.observing.reservoir import Reservoir
from ensemble.observing.windows import Writer, columns_of, prune, write_columns

log = logging.getLogger(__name__)

# Requests whose id begins like this are no shopper's: probes of the server, and of the watch.
PROBE = "tandem-probe"
SAMPLES = 512
WINDOW_S = 30.0
# What a monitor looks back on; of much traffic less, which is about twenty full windows.
KEPT_S = 3600.0
KEPT_BYTES = 16 << 20
_STOP_S = 5.0


@dataclass
class _Filling:
    """A window that is being filled."""

    reservoir: Reservoir
    started: float
    rows: dict[int, Row] = field(default_factory=dict)


class Observer:
    """Samples the requests of one instance of a model.

    Memory is bounded: two windows of ``SAMPLES`` rows. A folder that is missing or a disk that is full costs windows,
    which the log tells once, and never a request.

    Args:
        folder: Where windows go; made where it is missing.
        writer: The instance.
        features: What is noted of a row.
        warm_up: How many requests come first that are the server's own.
        window_s: Length of a window, in seconds.
        random: Chooses the samples.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        folder: Path,
        writer: Writer,
        features: Features,
        *,
        warm_up: int = 0,
        window_s: float = WINDOW_S,
        random: Random | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not window_s > 0:
            raise ValueError(f"`window_s` must be above 0, got {window_s}")
        self._warm_up, self._window_s = warm_up, window_s
        self._folder, self._writer, self._features, self._clock = folder, writer, features, clock
        self._random = Random() if random is None else random  # noqa: S311 -- a sample, not a secret
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._filling = self._empty()
        # Names go on ascending where a process is given the number of one that has ended.
        self._sequence, self._trouble = time.time_ns(), ""
        self._thread: threading.Thread | None = None

    def start(self) -> Observer:
        """Write a window every ``window_s`` seconds from now on, by a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Write the last window and end the thread; a disk that hangs is waited for five seconds."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)
            if self._thread.is_alive():
                return
        self.flush()

    def __call__(self, requests: Sequence[Any], responses: Sequence[Any]) -> None:
        """Look at requests that have just been answered; those that were refused, and probes, are passed over."""
        try:
            with self._lock:
                for request, response in zip(requests, responses, strict=True):
                    if self._warm_up:
                        self._warm_up -= 1
                    elif not (response.has_error() or request.request_id().startswith(PROBE)):
                        self._offer(request, response)
        except Exception as error:
            self._tell(f"a request could not be described: {error!r}")

    def flush(self) -> None:
        """Write the window that is being filled, begin the next, and remove what is too old."""
        with self._lock:
            full, self._filling = self._filling, self._empty()
        try:
            if full.rows:
                self._write(full)
                self._trouble = ""
            prune(self._folder, self._writer, most_bytes=KEPT_BYTES, before=self._clock() - KEPT_S)
        except Exception as error:
            self._tell(f"a window of samples could not be written: {error}")

    def _write(self, full: _Filling) -> None:
        facts = {"started": full.started, "ended": self._clock(), "seen": float(full.reservoir.seen)}
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_columns(self._folder / self._writer.file(self._sequence), columns_of(list(full.rows.values())), facts)
        self._sequence += 1

    def _offer(self, request: Any, response: Any) -> None:
        slot = self._filling.reservoir.offer()
        if slot is None:
            return
        inputs = _tensors(request.inputs(), self._features.inputs)
        outputs = _tensors(response.output_tensors(), self._features.outputs)
        batch = len(next(iter(outputs.values())))
        # One row stands for a request of several: a caller that sends lists must not be the whole sample.
        row = self._random.randrange(batch) if batch > 1 else 0
        self._filling.rows[slot] = self._features(inputs, outputs, row)

    def _run(self) -> None:
        while not self._ended.wait(self._window_s):
            self.flush()

    def _empty(self) -> _Filling:
        return _Filling(Reservoir(SAMPLES, self._random), self._clock())

    def _tell(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("%s", trouble)
        self._trouble = trouble


def _tensors(tensors: Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    wanted = [tensor for tensor in tensors if tensor.name() in names]
    return {tensor.name(): tensor.as_numpy() if tensor.is_cpu() else from_device(tensor) for tensor in wanted}
