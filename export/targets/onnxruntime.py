"""A tower's config for Triton's ONNX Runtime backend."""

from __future__ import annotations

from typing import Any

from export.targets import GRAPH
from export.targets.warming import warm_batches

PLATFORM, BACKEND = "onnxruntime_onnx", "onnxruntime"
CPU_INSTANCES, GPU_INSTANCES = 2, 1
USUAL_BATCH = 8
# One thread an instance: with more, ONNX Runtime keeps a pool whose threads spin while they wait.
PARAMETERS = {"intra_op_thread_count": "1"}
# The backend takes these from `parameters` alone: as soon as a config has any, it overwrites what the accelerator says
# of them with its own defaults. Its default search, 0, runs every algorithm for each new batch size: seconds.
CUDA_PARAMETERS = {"cudnn_conv_algo_search": "1", "arena_extend_strategy": "1"}
# Precision lives in the graph: what was gated as FP32 must not be multiplied with 10 bits of mantissa.
CUDA_OPTIONS = {"use_tf32": "0"}


def fill_tower(config: Any, device: str) -> None:
    """Have the backend run ``model.onnx``; the graph, its tensors and the queue policy stay.

    Args:
        config: A tower's, with shapes and warm-up filled in; changed in place.
        device: ``cpu`` or ``gpu``.
    """
    config.platform, config.backend, config.default_model_filename = PLATFORM, BACKEND, GRAPH
    config.parameters.clear()
    set_parameters(config, PARAMETERS)
    del config.instance_group[:]
    group = config.instance_group.add()
    if device == "cpu":
        group.kind, group.count = group.KIND_CPU, CPU_INSTANCES
        return
    group.kind, group.count = group.KIND_GPU, GPU_INSTANCES
    set_parameters(config, CUDA_PARAMETERS)
    cuda = config.optimization.execution_accelerators.gpu_execution_accelerator.add(name="cuda")
    cuda.parameters.update(CUDA_OPTIONS)
    # The largest batch makes the arena grow to its full size before the first request.
    warm_batches(config, sorted({1, min(USUAL_BATCH, config.max_batch_size), config.max_batch_size}))


def set_parameters(config: Any, parameters: dict[str, str]) -> None:
    """Set parameters of a model, which are strings to Triton."""
    for name, value in parameters.items():
        config.parameters[name].string_value = value
