"""Builds one engine from one ONNX graph, on the GPU of this machine."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.engine_stamp import EngineStamp
from ensemble.gpu import Gpu, gpu_here
from ensemble.hashing import sha256
from export.engines import api, timing
from export.engines.listeners import Messages, make_logger, make_recorder
from export.engines.options import EngineOptions
from export.engines.parsing import check_inputs, check_precision, parse
from export.engines.progress import Advance, Phases, make_monitor
from export.engines.summary import EngineSummary, inspect, summarise
from export.errors import EngineFailed

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineRecord:
    """A built engine.

    Args:
        plan: Its file.
        stamp: What it was built with, as written beside it.
        summary: What it is made of.
        seconds: How long it took to build.
        bytes: Size of the plan.
    """

    plan: Path
    stamp: EngineStamp
    summary: EngineSummary
    seconds: float
    bytes: int


def plan_name(compute_capability: str) -> str:
    """File name of an engine: ``model_sm90.plan`` for compute capability 9.0."""
    return f"model_sm{compute_capability.replace('.', '')}.plan"


def build_engine(graph: Path, folder: Path, options: EngineOptions, advance: Advance | None = None) -> EngineRecord:
    """Build the engine of a graph for the GPU of this machine, and write it with its stamp.

    Engines for other kinds of GPU in the same folder stay. Ctrl-C ends the build at TensorRT's next step; 8.6 cannot
    be stopped, so there the interrupt waits for the end of the build. Either way nothing is written.

    Args:
        graph: The ONNX file; for TensorRT 8.6 the FP32 graph, or one with Q/DQ for INT8.
        folder: Where ``model_smXY.plan`` and its stamp go.
        options: How it is built.
        advance: Told of each percent that is done; 100 in all.

    Raises:
        EngineFailed: There is no GPU or no TensorRT here, it refuses the graph or an option, or it cannot build.
    """
    trt = api.load_tensorrt()
    gpu = gpu_here()
    if gpu is None:
        raise EngineFailed("an engine is built on the kind of GPU that it will run on, and CUDA finds none here")
    started = time.perf_counter()
    phases = Phases(advance or (lambda percent: None))
    build = _Build(trt, graph, options, phases)
    plan = _interruptible(build.run, phases)
    phases.finish()
    record = _write(plan, graph, folder, options, (trt, gpu), time.perf_counter() - started)
    build.keep_timings()
    _log.info("%s: %s in %.0f s", record.plan, record.summary.told(), record.seconds)
    return record


class _Build:
    """One build and all the objects that must outlive it."""

    def __init__(self, trt: Any, graph: Path, options: EngineOptions, phases: Phases) -> None:
        self._trt, self._graph, self._options = trt, graph, options
        self._messages = Messages()
        self._logger = make_logger(trt)
        self._recorder = make_recorder(trt, self._messages)
        self._monitor = make_monitor(trt, phases)
        self._parser: Any = None
        self._config: Any = None

    def run(self) -> bytes:
        """The serialized engine."""
        trt, options = self._trt, self._options
        builder = self._builder()
        network = builder.create_network(api.network_flags(trt))
        self._parser = parse(trt, network, self._logger, self._graph, native_norm=options.is_compatible)
        check_inputs(network, options, self._graph)
        check_precision(trt, network, options.precision, self._graph)
        self._config = api.configure(trt, builder, options)
        timing.attach(self._config, options.timing_cache)
        if self._monitor is not None:
            self._config.progress_monitor = self._monitor
        plan = builder.build_serialized_network(network, self._config)
        if plan is None:
            raise self._failed("TensorRT could not build the engine of this graph", self._messages.told())
        return bytes(plan)

    def keep_timings(self) -> None:
        """Save what was measured, for the next build."""
        timing.keep(self._config, self._options.timing_cache)

    def _builder(self) -> Any:
        try:
            builder = self._trt.Builder(self._logger)
        except TypeError as error:
            # The bindings turn a null pointer from the library into a TypeError; the reason is in the log.
            raise self._failed(f"TensorRT {self._trt.__version__} cannot start: no usable GPU or driver") from error
        builder.error_recorder = self._recorder
        return builder

    def _failed(self, problem: str, messages: Sequence[str] = ()) -> EngineFailed:
        return EngineFailed(f"{self._graph}: {problem}", messages)


def _interruptible(run: Any, phases: Phases) -> bytes:
    """Run a build beside the main thread, which would not see Ctrl-C while it is inside the library."""
    with ThreadPoolExecutor(1, "tensorrt-build") as pool:
        future = pool.submit(run)
        try:
            plan: bytes = future.result()
        except KeyboardInterrupt:
            phases.cancel()
            raise
    return plan


def _write(
    plan: bytes, graph: Path, folder: Path, options: EngineOptions, made_with: tuple[Any, Gpu], seconds: float
) -> EngineRecord:
    trt, gpu = made_with
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / plan_name(gpu.compute_capability)
    summary = summarise(inspect(trt, plan, host_code=options.version_compatible))
    _replace(path, plan)
    stamp = EngineStamp(
        plan=path.name,
        plan_sha256=sha256(path),
        graph=graph.name,
        graph_sha256=sha256(graph),
        precision=options.precision,
        tensorrt=trt.__version__,
        gpu=gpu.name,
        compute_capability=gpu.compute_capability,
        driver=gpu.driver,
        options=options.told(),
    )
    stamp.save(folder)
    return EngineRecord(path, stamp, summary, round(seconds, 3), len(plan))


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
