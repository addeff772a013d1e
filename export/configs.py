"""Triton's model configs: parsed, filled in with what towers and release decide, and written by its own protobuf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensemble.settings import ImageSettings, SpaceSettings, TextSettings
from ensemble.versions import is_ensemble
from export.errors import BadSource
from export.targets import CPU, RETRIEVE, TOWERS, choose_device
from export.targets.filling import fill_retrieval, fill_tower

CONFIG = "config.pbtxt"


@dataclass(frozen=True)
class Facts:
    """What a config does not know by itself.

    Args:
        release: Number of the release.
        kept: Version that stays loaded beside it, or ``None``.
        text: For the warm-up of each bucket.
        image: For the size of ``PIXELS``.
        space: For the vectors' lengths.
        target: What the towers run on.
        device: ``cpu`` or ``gpu``; empty for the target's own.
        engines: For TensorRT: model name to engine file by compute capability, such as
            ``{"text_tower": {"9.0": "model_sm90.plan"}}``; a tower without any has ``model.plan``.
    """

    release: int
    kept: int | None
    text: TextSettings
    image: ImageSettings
    space: SpaceSettings
    target: str = CPU
    device: str = ""
    engines: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", choose_device(self.target, self.device))

    def dims(self) -> Mapping[str, Sequence[int]]:
        """Shape of each tensor that depends on the towers."""
        return {
            "PIXELS": (self.image.size, self.image.size, 3),
            "TEXT_VECTOR": (self.space.text_dim,),
            "IMAGE_VECTOR": (self.space.image_dim,),
            "ROW": (self.space.row_dim,),
        }


def read_config(path: Path) -> Any:
    """Parse a ``config.pbtxt`` to a ``ModelConfig``.

    Raises:
        BadSource: It cannot be read or parsed; names the file and the place.
    """
    try:
        return text_format.Parse(path.read_text("utf-8"), ModelConfig())
    except (OSError, text_format.ParseError) as error:
        raise BadSource(f"{path}: not a model config: {error}") from error


def write_config(path: Path, config: Any) -> None:
    """Write a ``ModelConfig`` as text."""
    head = "# Written by `python -m export release`; what people edit is model_repository/.\n"
    path.write_text(head + text_format.MessageToString(config), "utf-8")


def fill(config: Any, facts: Facts) -> Any:
    """A copy with shapes, warm-up and versions of this release, and for a tower what its target needs."""
    filled = ModelConfig()
    filled.CopyFrom(config)
    dims = facts.dims()
    for tensor in (*filled.input, *filled.output):
        if tensor.name in dims:
            tensor.dims[:] = dims[tensor.name]
    _fill_warmup(filled, facts)
    if filled.name in TOWERS:
        fill_tower(filled, facts.target, facts.device, facts.engines.get(filled.name, {}))
    if filled.name == RETRIEVE:
        fill_retrieval(filled, facts.device)
    if is_ensemble(filled):
        for step in filled.ensemble_scheduling.step:
            step.model_version = facts.release
    else:
        versions = [facts.release] if facts.kept is None else [facts.kept, facts.release]
        filled.version_policy.specific.versions[:] = versions
    return filled


def _fill_warmup(config: Any, facts: Facts) -> None:
    """Shapes of warm-up requests; one request a bucket where a model takes token ids."""
    dims = facts.dims()
    samples = list(config.model_warmup)
    if samples and "INPUT_IDS" in samples[0].inputs:
        del config.model_warmup[:]
        for bucket in facts.text.buckets:
            sample = config.model_warmup.add()
            sample.CopyFrom(samples[0])
            sample.name = f"{bucket} tokens"
            sample.inputs["INPUT_IDS"].dims[:] = [bucket]
    for sample in config.model_warmup:
        for name, tensor in sample.inputs.items():
            if name in dims:
                tensor.dims[:] = dims[name]
