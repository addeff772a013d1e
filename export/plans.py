"""What is known of a tower before it is built: settings and files; building is the long part and comes later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ensemble.settings import ImageSettings, TextSettings
from export.graphs import BuiltTower


@dataclass(frozen=True)
class TextPlan:
    """A text tower to be.

    Args:
        settings: How its texts become token ids.
        tokenizer: Its ``tokenizer.json``.
        files: What it is made of, by name, for the manifest.
        build: Loads the source and makes the graph.
    """

    settings: TextSettings
    tokenizer: Path
    files: Mapping[str, Path]
    build: Callable[[], BuiltTower]


@dataclass(frozen=True)
class VisionPlan:
    """A vision tower to be.

    Args:
        settings: How its pictures become pixels.
        files: What it is made of, by name, for the manifest.
        build: Loads the source and makes the graph.
    """

    settings: ImageSettings
    files: Mapping[str, Path]
    build: Callable[[], BuiltTower]
