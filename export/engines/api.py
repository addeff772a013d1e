"""Where the versions of TensorRT differ: asked of the module itself, by name.

TensorRT 10 and 11 build strongly typed networks, whose precision is that of the graph. 8.6 knows none: it is given the
FP32 graph, or one with Q/DQ for INT8, and picks kernels of the precisions that flags allow. 11 has no such flags. The
numbers behind the names change between versions, so names alone are ever kept.
"""

from __future__ import annotations

import importlib
from typing import Any

from export.engines.options import EngineOptions
from export.errors import EngineFailed

_INSTALL = "install it with `pip install 'tandem[tensorrt]'`, or work in NVIDIA's TensorRT or Triton image"


def load_tensorrt() -> Any:
    """The ``tensorrt`` module of this environment.

    Raises:
        EngineFailed: It is missing, cannot be loaded, or is older than 8.6.
    """
    try:
        trt = importlib.import_module("tensorrt")
    except (ImportError, OSError) as error:
        raise EngineFailed(f"TensorRT cannot be loaded ({error}): {_INSTALL}") from error
    if not hasattr(trt, "HardwareCompatibilityLevel"):
        raise EngineFailed(f"TensorRT is too old: {trt.__version__}; 8.6, 10 and 11 are supported")
    return trt


def strongly_typed(trt: Any) -> bool:
    """Whether precision is the graph's alone."""
    return hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")


def network_flags(trt: Any) -> int:
    """What ``create_network`` is given, as bits: the numbers behind the names of this very version."""
    flags = trt.NetworkDefinitionCreationFlag
    if strongly_typed(trt):
        return 1 << int(flags.STRONGLY_TYPED)
    return 1 << int(flags.EXPLICIT_BATCH)


def precision_flags(trt: Any, precision: str) -> list[Any]:
    """Builder flags of a precision: none where the network is strongly typed.

    INT8 goes with FP16, for the layers without Q/DQ.
    """
    if strongly_typed(trt) or precision == "fp32":
        return []
    flags = [trt.BuilderFlag.FP16]
    if precision == "int8":
        flags.append(trt.BuilderFlag.INT8)
    return flags


def hardware_level(trt: Any, name: str) -> Any:
    """A member of ``HardwareCompatibilityLevel`` by our name.

    Raises:
        EngineFailed: This version does not know it.
    """
    levels = trt.HardwareCompatibilityLevel
    if name == "same_compute_capability" and not hasattr(levels, "SAME_COMPUTE_CAPABILITY"):
        raise EngineFailed(
            f"`hardware_compatibility` {name!r} needs TensorRT 10 or newer, here is {trt.__version__}; "
            "allowed: none, ampere_plus"
        )
    known = {"none": "NONE", "ampere_plus": "AMPERE_PLUS", "same_compute_capability": "SAME_COMPUTE_CAPABILITY"}
    return getattr(levels, known[name])


def configure(trt: Any, builder: Any, options: EngineOptions) -> Any:
    """An ``IBuilderConfig`` of the options, but for the timing cache and the progress monitor.

    Raises:
        EngineFailed: This version of TensorRT does not know one of them, or refuses a profile.
    """
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, options.workspace_bytes)
    config.builder_optimization_level = options.optimization_level
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.hardware_compatibility_level = hardware_level(trt, options.hardware_compatibility)
    flags = precision_flags(trt, options.precision)
    if options.version_compatible:
        flags.append(trt.BuilderFlag.VERSION_COMPATIBLE)
    if options.refit:
        flags.append(trt.BuilderFlag.REFIT)
    for flag in flags:
        config.set_flag(flag)
    if not options.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    for number, profile in enumerate(options.profiles):
        config.add_optimization_profile(_profile(builder, number, profile))
    return config


def _profile(builder: Any, number: int, profile: Any) -> Any:
    made = builder.create_optimization_profile()
    for name, shapes in profile.items():
        try:
            made.set_shape(name, shapes.least, shapes.usual, shapes.most)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed(f"profile {number}: `{name}` {shapes}: {error}") from error
    return made
