"""Shapes of rows that a tower will meet, read off the warm-up of its config."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tritonclient.grpc.model_config_pb2 import ModelConfig

RowShape = dict[str, tuple[int, ...]]


def row_shapes(config: Any) -> list[RowShape]:
    """Shape of every input for each kind of row: one a bucket of a text tower, one of a vision tower.

    Args:
        config: A tower's, with one warm-up request a kind of row.
    """
    shapes = [{name: tuple(tensor.dims) for name, tensor in one.inputs.items()} for one in config.model_warmup]
    return [shape for number, shape in enumerate(shapes) if shape not in shapes[:number]]


def warm_batches(config: Any, batches: Sequence[int]) -> None:
    """Warm up with batches of each kind of row, where the config has one row of each."""
    samples = ModelConfig()
    samples.model_warmup.extend(config.model_warmup)
    del config.model_warmup[:]
    for sample in samples.model_warmup:
        for batch in batches:
            warm = config.model_warmup.add()
            warm.CopyFrom(sample)
            warm.name = f"{sample.name}, batch {batch}"
            warm.batch_size = batch
