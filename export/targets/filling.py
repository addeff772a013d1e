"""One door to the configs of all targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from export.targets import ONNXRUNTIME, TENSORRT, onnxruntime, tensorrt


def fill_tower(config: Any, target: str, device: str, engines: Mapping[str, str]) -> None:
    """Turn a tower's config into that of a target.

    Args:
        config: A tower's, with shapes and warm-up filled in; changed in place.
        target: One of ``TARGETS``; on ``cpu`` the config stays as it is.
        device: ``cpu`` or ``gpu``.
        engines: For TensorRT: engine file by compute capability.
    """
    if target == ONNXRUNTIME:
        onnxruntime.fill_tower(config, device)
    elif target == TENSORRT:
        tensorrt.fill_tower(config, engines)


def fill_retrieval(config: Any, device: str) -> None:
    """Have vectors that towers leave on a GPU handed over there; else Triton copies them to main memory.

    Args:
        config: That of ``retrieve``; changed in place.
        device: What the towers run on: ``cpu`` or ``gpu``.
    """
    if device == "gpu":
        onnxruntime.set_parameters(config, {"FORCE_CPU_ONLY_INPUT_TENSORS": "no"})


def files_of(config: Any) -> list[str]:
    """Files in a version folder that the backend may load."""
    return sorted({config.default_model_filename, *config.cc_model_filenames.values()} - {""})
