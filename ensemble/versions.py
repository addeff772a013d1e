"""Whether two releases can stand side by side, as versions of one Triton model: they share its config.

Configs are Triton's own ``ModelConfig`` messages; nothing of Triton is imported here.
"""

from __future__ import annotations

from typing import Any


def is_ensemble(config: Any) -> bool:
    """Whether a model is an ensemble."""
    return bool(config.platform == "ensemble")


def serves(config: Any, other: Any) -> bool:
    """Whether a model's config serves the release of another config too: same tensors, same files, no longer text."""
    same = [*config.input, *config.output] == [*other.input, *other.output]
    return same and same_files(config, other) and _longest(config) <= _longest(other)


def same_files(config: Any, other: Any) -> bool:
    """Whether both have the same backend, the same files to load, and the same profiles."""
    return _loading(config) == _loading(other)


def _loading(config: Any) -> tuple[object, ...]:
    profiles = [list(group.profile) for group in config.instance_group]
    return config.backend, config.default_model_filename, dict(config.cc_model_filenames), profiles


def _longest(config: Any) -> int:
    """Most token ids of a warm-up request."""
    shapes = [sample.inputs["INPUT_IDS"].dims for sample in config.model_warmup if "INPUT_IDS" in sample.inputs]
    return max((shape[0] for shape in shapes), default=0)
