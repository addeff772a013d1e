"""What TensorRT's library does, played over ONNX Runtime: parses, "builds" a plan, loads it, runs it.

Built of doubles, so that our code meets NVIDIA's classes; the numbers are those of the graph.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto
from onnxruntime.capi.onnxruntime_pybind11_state import InvalidArgument

from tests.export.engines.double import Double, Journal, check_call

TYPES = {TensorProto.INT64: "INT64", TensorProto.INT32: "INT32", TensorProto.UINT8: "UINT8", TensorProto.FLOAT: "FLOAT"}
PHASES = (("Building Engine", None, 2), ("Timing", "Building Engine", 4))


class Library:
    """The module ``tensorrt``: real but for what needs the library.

    Args:
        trt: The real bindings.
        journal: What was called.
    """

    def __init__(self, trt: Any, journal: Journal) -> None:
        self._trt, self._journal = trt, journal
        self.refuses_graph = self.refuses_build = self.refuses_timings = False
        self.on_step: Callable[[], None] = lambda: None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._trt, name)

    def Builder(self, *args: Any) -> Double:  # noqa: N802 -- NVIDIA's name
        check_call(self._trt, "Builder", self._trt.Builder.__init__.__doc__, args)
        builder = self._double("Builder")
        builder._answers.update(
            create_network=lambda flags: self._double("INetworkDefinition", layers=[], inputs=[]),
            create_builder_config=self._config,
            create_optimization_profile=self._profile,
            build_serialized_network=lambda network, config: self._build(builder, network, config),
        )
        return builder

    def OnnxParser(self, *args: Any) -> Double:  # noqa: N802
        check_call(self._trt, "OnnxParser", self._trt.OnnxParser.__init__.__doc__, args)
        network = args[0]
        errors = [self._parser_error(number) for number in range(2)]
        return self._double(
            "OnnxParser",
            parse_from_file=lambda path: not self.refuses_graph and self._parse(network, path),
            num_errors=len(errors),
            get_error=lambda number: errors[number],
        )

    def Runtime(self, *args: Any) -> Double:  # noqa: N802
        check_call(self._trt, "Runtime", self._trt.Runtime.__init__.__doc__, args)
        return self._double("Runtime", deserialize_cuda_engine=self._engine)

    def _double(self, kind: str, **answers: Any) -> Double:
        return Double(self._trt, kind, self._journal, answers)

    def _parser_error(self, number: int) -> Double:
        code = self._trt.ErrorCode.UNSUPPORTED_NODE
        return self._double(
            "ParserError", code=lambda: code, desc=lambda: f"reason {number}", node=lambda: number,
            node_name=lambda: f"node_{number}", node_operator=lambda: "Strange",
        )  # fmt: skip

    def _parse(self, network: Double, path: str) -> bool:
        model = onnx.load(path)
        kinds = self._trt.LayerType
        types = {"QuantizeLinear": kinds.QUANTIZE, "DequantizeLinear": kinds.DEQUANTIZE}
        layers = [self._double("ILayer", type=types.get(node.op_type, kinds.SHUFFLE)) for node in model.graph.node]
        inputs = [self._double("ITensor", name=one.name, shape=_dims(one)) for one in model.graph.input]
        network._answers.update(
            path=path, num_layers=len(layers), get_layer=layers.__getitem__, num_inputs=len(inputs),
            get_input=inputs.__getitem__,
        )  # fmt: skip
        return True

    def _profile(self) -> Double:
        shapes: dict[str, Any] = {}
        return self._double("IOptimizationProfile", shapes=shapes, set_shape=lambda n, *of: shapes.update({n: of}))

    def _config(self) -> Double:
        profiles: list[Double] = []
        cache = self._double("ITimingCache", serialize=lambda: b"timings")

        def add(profile: Double) -> int:
            profiles.append(profile)
            return len(profiles) - 1

        return self._double(
            "IBuilderConfig",
            profiles=profiles,
            add_optimization_profile=add,
            create_timing_cache=lambda kept: self._double("ITimingCache", kept=bytes(kept)),
            set_timing_cache=lambda given, ignore: not (self.refuses_timings and given._answers["kept"]),
            get_timing_cache=lambda: cache,
        )

    def _build(self, builder: Double, network: Double, config: Double) -> bytes | None:
        if self.refuses_build:
            code = self._trt.ErrorCodeTRT.INTERNAL_ERROR
            builder._set["error_recorder"].report_error(code, "Could not find any implementation for node MatMul_7")
            return None
        monitor = config._set.get("progress_monitor")
        if monitor is not None and not self._told(monitor):
            return None
        profiles = [profile._answers["shapes"] for profile in config._answers["profiles"]]
        return json.dumps({"graph": network._answers["path"], "profiles": profiles}).encode()

    def _told(self, monitor: Any) -> bool:
        """Two steps of a build, each with four of its own; whether it was to go on."""
        (outer, _, steps), (inner, _, parts) = PHASES
        monitor.phase_start(outer, None, steps)
        for step in range(steps):
            monitor.phase_start(inner, outer, parts)
            for part in range(parts):
                self.on_step()
                if not monitor.step_complete(inner, part):
                    return False
            monitor.phase_finish(inner)
            if not monitor.step_complete(outer, step):
                return False
        monitor.phase_finish(outer)
        return True

    def _engine(self, plan: Any) -> Double | None:
        try:
            built = json.loads(bytes(plan))
        except ValueError:
            return None
        model = onnx.load(built["graph"])
        tensors = {one.name: one for one in (*model.graph.input, *model.graph.output)}
        names, modes = list(tensors), self._trt.TensorIOMode
        inputs = [one.name for one in model.graph.input]
        engine = self._double(
            "ICudaEngine",
            num_io_tensors=len(names),
            get_tensor_name=names.__getitem__,
            get_tensor_mode=lambda name: modes.INPUT if name in inputs else modes.OUTPUT,
            get_tensor_dtype=lambda name: self._dtype(tensors[name]),
            get_tensor_shape=lambda name: _dims(tensors[name]),
            get_tensor_profile_shape=lambda name, number: built["profiles"][number][name],
            num_optimization_profiles=len(built["profiles"]),
        )
        run = Run(self._trt, model, built["profiles"], engine)
        engine._answers["create_execution_context"] = lambda: self._double("IExecutionContext", **run.answers())
        engine._answers["create_engine_inspector"] = lambda: self._inspector(tensors)
        return engine

    def _dtype(self, tensor: Any) -> Any:
        """TensorRT 8.6 has no INT64 and takes INT32 instead."""
        name = TYPES[tensor.type.tensor_type.elem_type]
        types = self._trt.DataType
        return getattr(types, name) if hasattr(types, name) else types.INT32

    def _inspector(self, tensors: dict[str, Any]) -> Double:
        newest = int(self._trt.__version__.partition(".")[0]) >= 11
        inspector = self._double("EngineInspector")

        def describe(_: Any) -> str:
            shaped = "execution_context" in inspector._set
            half = {"Name": "x", "DataType": "Half", "Format": "kLINEAR"} if newest else {"Name": "x"}
            if not newest:
                half["Format/Datatype"] = "Half" if shaped else "N/A due to dynamic shapes"
            layers = [{"Name": "_gemm_mha_v2_myl3_6", "LayerType": "kgen", "Inputs": [half], "Outputs": [half]}]
            key = {"I/O Tensors": [{"Name": name} for name in tensors]} if newest else {"Bindings": list(tensors)}
            return json.dumps({"Layers": layers, **key})

        inspector._answers["get_engine_information"] = describe
        return inspector


class Run:
    """An execution context over ONNX Runtime: reads and writes the addresses that it is given."""

    def __init__(self, trt: Any, model: onnx.ModelProto, profiles: list[dict[str, Any]], engine: Double) -> None:
        self._session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        self._inputs = {one.name: one for one in self._session.get_inputs()}
        self._output = self._session.get_outputs()[0].name
        self._trt, self._profiles, self._engine = trt, profiles, engine
        self._profile = 0
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}

    def answers(self) -> dict[str, Any]:
        return {
            "set_input_shape": self._set_shape,
            "set_tensor_address": lambda name, address: self._addresses.update({name: address}) or True,
            "set_optimization_profile_async": self._switch,
            "execute_async_v3": self._execute,
        }

    def _set_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        least, _, most = self._profiles[self._profile][name]
        self._shapes[name] = tuple(shape)
        return all(low <= size <= high for low, size, high in zip(least, shape, most, strict=True))

    def _switch(self, number: int, _: int) -> bool:
        self._profile = number
        return True

    def _execute(self, _: int) -> bool:
        feed = {}
        for name in self._inputs:
            read = self._at(name, self._shapes[name], self._trt.nptype(self._engine.get_tensor_dtype(name)))
            feed[name] = read.astype(np.int64) if self._inputs[name].type == "tensor(int64)" else read
        try:
            (vectors,) = self._session.run(None, feed)
        except InvalidArgument:
            return False
        self._at(self._output, vectors.shape, np.float32)[...] = vectors
        return True

    def _at(self, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        held = (ctypes.c_byte * size).from_address(self._addresses[name])
        return np.frombuffer(memoryview(held), dtype).reshape(shape)


def _dims(tensor: Any) -> tuple[int, ...]:
    return tuple(one.dim_value or -1 for one in tensor.type.tensor_type.shape.dim)


def write_quantized(model: onnx.ModelProto, path: Path) -> Path:
    """A copy with Q/DQ before its first MatMul."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    at, node = next((at, node) for at, node in enumerate(made.graph.node) if node.op_type == "MatMul")
    made.graph.initializer.append(onnx.helper.make_tensor("scale", TensorProto.FLOAT, (), [2.0]))
    made.graph.initializer.append(onnx.helper.make_tensor("zero", TensorProto.INT8, (), [0]))
    quantized = onnx.helper.make_node("QuantizeLinear", [node.input[0], "scale", "zero"], ["q"])
    real = onnx.helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["dq"])
    node.input[0] = "dq"
    made.graph.node.insert(at, real)
    made.graph.node.insert(at, quantized)
    onnx.save(made, path)
    return path
