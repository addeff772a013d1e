"""A tower's config for Triton's TensorRT backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from export.targets.warming import RowShape, row_shapes, warm_batches

PLATFORM, BACKEND = "tensorrt_plan", "tensorrt"
PLAN = "model.plan"
INSTANCES = 1
# Batches that are captured as CUDA graphs. A graph saves the launch of its kernels one by one, which is what a small
# batch waits for; a larger one keeps the GPU busy meanwhile.
GRAPH_BATCHES = (1, 2, 4, 8)


def fill_tower(config: Any, engines: Mapping[str, str]) -> None:
    """Have the backend run the engine; tensors and queue policy stay.

    Optimization profile ``i`` of an engine is for row shape ``i`` of the warm-up: one a bucket, in ascending order.

    Args:
        config: A tower's, with shapes and warm-up filled in; changed in place.
        engines: Engine file by compute capability (``{"9.0": "model_sm90.plan"}``); empty: ``model.plan`` for all.
    """
    shapes = row_shapes(config)
    config.platform, config.backend = PLATFORM, BACKEND
    config.default_model_filename = default_plan(engines)
    if len(set(engines.values())) > 1:
        config.cc_model_filenames.update(engines)
    config.parameters.clear()
    del config.instance_group[:]
    group = config.instance_group.add()
    group.kind, group.count = group.KIND_GPU, INSTANCES
    group.profile.extend(str(number) for number in range(len(shapes)))
    _fill_cuda(config, shapes)
    warm_batches(config, sorted({1, min(GRAPH_BATCHES[-1], config.max_batch_size), config.max_batch_size}))


def default_plan(engines: Mapping[str, str]) -> str:
    """Engine for GPUs that have none of their own: that of the least capable, the only one that may be made for all."""
    if not engines:
        return PLAN
    least = min(engines, key=lambda capability: tuple(int(number) for number in capability.split(".")))
    return engines[least]


def _fill_cuda(config: Any, shapes: list[RowShape]) -> None:
    cuda = config.optimization.cuda
    cuda.graphs = True
    cuda.output_copy_stream = True
    # A waiting thread would take a core from tokenising and decoding.
    cuda.busy_wait_events = False
    batches = [batch for batch in GRAPH_BATCHES if batch <= config.max_batch_size]
    for shape in shapes:
        for least, most in zip([1, *(batch + 1 for batch in batches)], batches, strict=False):
            _add_graph(cuda, shape, least, most)


def _add_graph(cuda: Any, shape: RowShape, least: int, most: int) -> None:
    """Capture a batch; smaller ones run it too, and what it answers to the rows that they lack is thrown away.

    Every input must be named, or the backend captures nothing; lengths are the same at both bounds, since a padded
    sequence would change the answer.
    """
    spec = cuda.graph_spec.add(batch_size=most)
    spec.graph_lower_bound.batch_size = least
    for name, dims in shape.items():
        spec.input[name].dim.extend(dims)
        spec.graph_lower_bound.input[name].dim.extend(dims)
