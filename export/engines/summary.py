"""What an engine is made of, from TensorRT's own inspector.

Two schemas are read. Up to 10.x a tensor of a layer has ``Format/Datatype`` (``Half``, or ``Row major Int8 format``);
11 has ``DataType`` beside ``Format``, and ``I/O Tensors`` where the older one lists ``Bindings``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from export.engines.listeners import make_logger
from export.errors import EngineFailed

# Narrowest first: a layer counts as the narrowest type that it reads.
TYPES = {"int8": r"(?<!u)int8", "fp8": r"fp8", "fp16": r"half|fp16", "bf16": r"bf16|bfloat", "fp32": r"float|fp32"}
# Layers that only copy or hold values.
MOVES = ("Reformat", "NoOp", "Constant", "Shuffle", "Identity", "Signal", "Wait")
# Fused attention is a kernel such as `_gemm_mha_v2_myl3_6` or `fmha_v2_fp16_64_..`. Names of ONNX nodes, which may be
# anything, have slashes or dots in them.
FUSED = re.compile("mha", re.IGNORECASE)
NODES = re.compile(r"\S*[/.]\S*")
OTHER_PROFILE = re.compile(r"\[profile [1-9]\d*\]$")


@dataclass(frozen=True)
class EngineSummary:
    """Layers of an engine, as run for its first profile.

    Args:
        layers_by_precision: How many read ``int8``, ``fp8``, ``fp16``, ``bf16`` or ``fp32``, how many only ``move``
            values, and how many are ``other`` (sizes, masks, or not told).
        fused_attention: Whether any kernel is a fused attention.
        layers: How many there are.
    """

    layers_by_precision: Mapping[str, int]
    fused_attention: bool
    layers: int

    def told(self) -> str:
        """One line, such as ``41 layers (12 int8, 20 fp16, 9 move), attention fused``."""
        counts = ", ".join(f"{count} {name}" for name, count in self.layers_by_precision.items())
        return f"{self.layers} layers ({counts}), attention {'fused' if self.fused_attention else 'not fused'}"


def inspect(trt: Any, plan: bytes, *, host_code: bool) -> str:
    """Load a plan and have it described, as JSON text.

    Raises:
        EngineFailed: TensorRT cannot load what it has just built.
    """
    logger = make_logger(trt)
    runtime = trt.Runtime(logger)
    runtime.engine_host_code_allowed = host_code
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        raise EngineFailed(f"TensorRT {trt.__version__} cannot load the engine that it has just built; see its log")
    context = engine.create_execution_context()
    inspector = engine.create_engine_inspector()
    if context is not None:
        # Without shapes the inspector says "N/A due to dynamic shapes" instead of types.
        for number in range(engine.num_io_tensors):
            name = engine.get_tensor_name(number)
            if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
                context.set_input_shape(name, tuple(engine.get_tensor_profile_shape(name, 0)[1]))
        inspector.execution_context = context
    return str(inspector.get_engine_information(trt.LayerInformationFormat.JSON))


def summarise(information: str) -> EngineSummary:
    """Summary of the inspector's JSON.

    Raises:
        EngineFailed: It is not JSON with ``Layers``.
    """
    try:
        described = json.loads(information)["Layers"]
        layers = [one if isinstance(one, dict) else {"Name": str(one)} for one in described]
    except (ValueError, KeyError, TypeError) as error:
        raise EngineFailed(f"the engine inspector said what is not understood here: {error!r}") from error
    layers = [one for one in layers if not OTHER_PROFILE.search(str(one.get("Name", "")))]
    counts = Counter(_precision(layer) for layer in layers)
    order = (*TYPES, "move", "other")
    return EngineSummary(
        {name: counts[name] for name in order if counts[name]}, any(map(_is_fused, layers)), len(layers)
    )


def _precision(layer: Mapping[str, Any]) -> str:
    if layer.get("LayerType") in MOVES:
        return "move"
    for side in ("Inputs", "Outputs"):
        told = " ".join(_type(tensor) for tensor in layer.get(side, ()))
        for name, words in TYPES.items():
            if re.search(words, told, re.IGNORECASE):
                return name
    return "other"


def _type(tensor: Any) -> str:
    if not isinstance(tensor, dict):
        return ""
    return str(tensor.get("DataType") or tensor.get("Format/Datatype") or "")


def _is_fused(layer: Mapping[str, Any]) -> bool:
    kernel = NODES.sub(" ", str(layer.get("Name", "")))
    return bool(FUSED.search(f"{kernel} {layer.get('TacticName', '')}"))
