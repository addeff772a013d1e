"""The configs of a release's models."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from deploy.errors import UnusableRelease
from deploy.store import MEND, Release
from ensemble.versions import is_ensemble

CONFIG = "config.pbtxt"

Configs = Mapping[str, Any]


def read_configs(release: Release) -> dict[str, Any]:
    """The configs of a release by model.

    Raises:
        UnusableRelease: One cannot be read.
    """
    return {own.name: read_config(own / CONFIG) for own in sorted(release.configs.iterdir())}


def parts(configs: Configs) -> list[str]:
    """Models that are no ensembles."""
    return [name for name, config in configs.items() if not is_ensemble(config)]


def readers(configs: Configs) -> list[str]:
    """Ensembles that write nothing: no part of theirs is one that commits."""
    return [name for name, config in configs.items() if is_ensemble(config) and not _writes(config)]


def _writes(config: Any) -> bool:
    return any(step.model_name.startswith("commit_") for step in config.ensemble_scheduling.step)


def read_config(path: Path) -> Any:
    """One config, which may be changed.

    Raises:
        UnusableRelease: It cannot be read.
    """
    try:
        parsed = _parsed(path.read_text("utf-8"))
    except (OSError, ValueError, text_format.ParseError) as error:
        raise UnusableRelease(f"{path} cannot be read as a model's config: {error}. {MEND}") from error
    config = ModelConfig()
    config.CopyFrom(parsed)
    return config


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    """A config, not to be changed: a switch reads those of two releases again and again, beside callers who wait."""
    return text_format.Parse(text, ModelConfig())
