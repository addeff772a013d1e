"""Flags that Triton must be started with for the configs of a release."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tritonclient.grpc import model_config_pb2 as pb

from ensemble.admission.tickets import SLOTS
from export.targets.tensorrt import BACKEND as TENSORRT_BACKEND
from export.targets.warming import RowShape, row_shapes

MIB = 1 << 20
# Triton's own defaults; a pool is never made smaller.
PINNED_POOL_BYTES, CUDA_POOL_BYTES = 256 * MIB, 64 * MIB
# A batch that runs, and one that is gathered meanwhile.
BATCHES_IN_FLIGHT = 2
BYTES = {
    pb.TYPE_BOOL: 1,
    pb.TYPE_UINT8: 1,
    pb.TYPE_FP16: 2,
    pb.TYPE_INT32: 4,
    pb.TYPE_FP32: 4,
    pb.TYPE_INT64: 8,
}


def server_flags(towers: Sequence[Any], *, gpus: Sequence[int] = (0,), version_compatible: bool = False) -> list[str]:
    """Flags beside ``--model-repository``; where and how to listen is the operator's choice.

    When a pool of memory is full, Triton goes on with slower memory and logs one warning, so both are sized for full
    queues: inputs of towers wait in the pinned pool, their outputs in that of the GPU.

    Args:
        towers: Filled configs of the towers.
        gpus: Numbers of the GPUs that they run on.
        version_compatible: Whether an engine is of another TensorRT than the server's, and carries its own runtime.
    """
    # What a model has was checked when the release was made; nothing is left to be guessed.
    flags = ["--disable-auto-complete-config"]
    on_gpu = [tower for tower in towers if any(group.kind == group.KIND_GPU for group in tower.instance_group)]
    if on_gpu:
        pinned = sum(_rows(tower) * _input_bytes(tower) for tower in on_gpu)
        flags.append(f"--pinned-memory-pool-byte-size={_pool_bytes(pinned, PINNED_POOL_BYTES)}")
        cuda = _pool_bytes(sum(_rows(tower) * _output_bytes(tower) for tower in on_gpu), CUDA_POOL_BYTES)
        flags += [f"--cuda-memory-pool-byte-size={gpu}:{cuda}" for gpu in gpus]
    if version_compatible and any(tower.backend == TENSORRT_BACKEND for tower in towers):
        flags.append(f"--backend-config={TENSORRT_BACKEND},version-compatible=true")
    return flags


def _rows(tower: Any) -> int:
    """Rows that may wait or run at once, where a request has one."""
    instances = sum(group.count for group in tower.instance_group)
    return int(SLOTS + BATCHES_IN_FLIGHT * instances * tower.max_batch_size)


def _input_bytes(tower: Any) -> int:
    """Bytes of the inputs of the largest row."""
    kinds = {tensor.name: tensor.data_type for tensor in tower.input}
    return max(_row_bytes(shape, kinds) for shape in row_shapes(tower))


def _output_bytes(tower: Any) -> int:
    return _row_bytes(
        {tensor.name: tuple(tensor.dims) for tensor in tower.output},
        {tensor.name: tensor.data_type for tensor in tower.output},
    )


def _row_bytes(shape: RowShape, kinds: dict[str, int]) -> int:
    return sum(math.prod(dims) * BYTES[kinds[name]] for name, dims in shape.items())


def _pool_bytes(needed: int, default: int) -> int:
    """The next whole number of default sizes."""
    return max(1, -(-needed // default)) * default
