"""A tower as a TensorRT engine runs it on a GPU; the same surface as ``ensemble.towers.Tower``."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.engine_limits import Limits
from ensemble.engine_stamp import EngineStamp, stamp_path
from ensemble.errors import DamagedRelease, EngineFault, InvalidInput
from ensemble.gpu_memory import CudaMemory, Memory
from ensemble.hashing import sha256

Array = NDArray[Any]
Vectors = NDArray[np.float32]


class EngineTower:
    """A tower's engine, loaded on the GPU that CUDA uses first.

    Args:
        plan: The engine; its stamp lies beside it. An engine is code, so one that is not what the stamp says is not
            loaded.
        memory: Where tensors live; by default in the GPU's memory.

    Raises:
        DamagedRelease: The plan or its stamp is missing, or differs, or TensorRT cannot load it.
        EngineFault: There is no TensorRT or no GPU here.
    """

    def __init__(self, plan: Path, *, memory: Memory | None = None) -> None:
        self._plan = plan
        self._stamp = EngineStamp.load(stamp_path(plan))
        if not plan.is_file() or sha256(plan) != self._stamp.plan_sha256:
            raise DamagedRelease(f"{plan}: missing, or not the engine that was built and gated")
        self._trt = _tensorrt()
        self._memory = memory or CudaMemory()
        self._engine = self._load()
        self._context = self._engine.create_execution_context()
        if self._context is None:
            raise EngineFault(f"{plan}: no execution context; the GPU may be out of memory")
        self.inputs, self.output = self._names()
        self.dim: int = tuple(self._engine.get_tensor_shape(self.output))[-1]
        self._dtypes = {name: np.dtype(self._trt.nptype(self._engine.get_tensor_dtype(name))) for name in self.inputs}
        self._profiles = [self._limits(number) for number in range(self._engine.num_optimization_profiles)]
        self._profile = 0
        # A context runs one batch at a time.
        self._lock = threading.Lock()

    def encode(self, inputs: Mapping[str, Array]) -> Vectors:
        """Vectors ``(batch, dim)`` of a batch of inputs, by tensor name; more rows than a profile takes go in parts.

        Raises:
            InvalidInput: No profile of the engine takes these shapes, or a value is too large for its type.
            EngineFault: The GPU failed.
        """
        feed = {name: self._typed(name, inputs[name]) for name in self.inputs}
        number = self._choose(feed)
        rows, most = len(feed[self.inputs[0]]), self._profiles[number].most_rows
        cuts = [{name: array[at : at + most] for name, array in feed.items()} for at in range(0, rows, most)]
        with self._lock:
            try:
                self._switch(number)
                return np.concatenate([self._run(cut) for cut in cuts])
            except RuntimeError as error:
                raise EngineFault(f"{self._plan}: {error}") from error

    def _run(self, feed: Mapping[str, Array]) -> Vectors:
        memory, context = self._memory, self._context
        held = {name: memory.put(array) for name, array in feed.items()}
        vectors = memory.empty((len(feed[self.inputs[0]]), self.dim))
        done = all(context.set_input_shape(name, array.shape) for name, array in feed.items())
        for name, tensor in (*held.items(), (self.output, vectors)):
            done = done and context.set_tensor_address(name, memory.address(tensor))
        self._hold(done and context.execute_async_v3(memory.stream))
        return memory.get(vectors)

    def _hold(self, done: bool) -> None:
        if not done:
            raise EngineFault(f"{self._plan}: TensorRT refused to run the engine; its log says why")

    def _load(self) -> Any:
        self._logger = self._trt.Logger(self._trt.Logger.WARNING)
        # Kept: an engine must not outlive the runtime that loaded it.
        self._runtime = self._trt.Runtime(self._logger)
        self._runtime.engine_host_code_allowed = self._stamp.version_compatible
        engine = self._runtime.deserialize_cuda_engine(self._plan.read_bytes())
        if engine is None:
            built = f"TensorRT {self._stamp.tensorrt} on {self._stamp.gpu} ({self._stamp.compute_capability})"
            raise DamagedRelease(
                f"{self._plan}: TensorRT {self._trt.__version__} cannot load it; it was built with {built}"
            )
        return engine

    def _names(self) -> tuple[tuple[str, ...], str]:
        """Names of the inputs, and of the one output, which is FP32."""
        modes = {}
        for number in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(number)
            modes[name] = self._engine.get_tensor_mode(name)
        inputs = tuple(name for name, mode in modes.items() if mode == self._trt.TensorIOMode.INPUT)
        outputs = [name for name in modes if name not in inputs]
        if len(outputs) != 1 or self._engine.get_tensor_dtype(outputs[0]) != self._trt.DataType.FLOAT:
            raise DamagedRelease(f"{self._plan}: a tower's engine has one FP32 output, this one has {outputs}")
        return inputs, outputs[0]

    def _limits(self, number: int) -> Limits:
        shapes = {}
        for name in self.inputs:
            least, usual, most = self._engine.get_tensor_profile_shape(name, number)
            shapes[name] = (tuple(least), tuple(usual), tuple(most))
        return Limits(shapes)

    def _choose(self, feed: Mapping[str, Array]) -> int:
        """The profile that takes these shapes and is tuned for the nearest."""
        fitting = [number for number, limits in enumerate(self._profiles) if limits.take(feed)]
        if not fitting:
            given = ", ".join(f"{name} {array.shape}" for name, array in feed.items())
            allowed = "; ".join(limits.told() for limits in self._profiles)
            raise InvalidInput(", ".join(self.inputs), f"no profile of the engine takes {given}; allowed: {allowed}")
        return min(fitting, key=lambda number: self._profiles[number].distance(feed))

    def _switch(self, number: int) -> None:
        if number != self._profile:
            self._hold(self._context.set_optimization_profile_async(number, self._memory.stream))
            self._memory.wait()
            self._profile = number

    def _typed(self, name: str, array: Array) -> Array:
        """As the engine takes it: 8.6 takes INT32 where the graph has INT64."""
        wanted = self._dtypes[name]
        typed = np.ascontiguousarray(array, dtype=wanted)
        if array.dtype != wanted and not np.array_equal(typed, array):
            raise InvalidInput(name, f"values that are no {wanted}, which the engine takes")
        return typed


def _tensorrt() -> Any:
    try:
        return importlib.import_module("tensorrt")
    except (ImportError, OSError) as error:
        raise EngineFault(f"TensorRT cannot be loaded here: {error}") from error
