"""The folder of a trained product tower, checked before the long work begins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.features import FeatureSettings
from ensemble.settings import SpaceSettings
from export.errors import BadRecommender
from export.recommend_table import COMPLEMENTS, HEAD, TOWER, TOWER_FILES, WEIGHTS

FORMAT = 1
# Either file of a pair says nothing without the other.
PAIRS = {HEAD: COMPLEMENTS, COMPLEMENTS: HEAD}


@dataclass(frozen=True)
class Artefact:
    """What ``python -m training product-tower`` left.

    Args:
        folder: Where.
        settings: How the features of a product are made.
    """

    folder: Path
    settings: FeatureSettings

    @classmethod
    def open(cls, folder: Path) -> Artefact:
        """Check every file but for what only a space can tell.

        Raises:
            BadRecommender: A file is missing or cannot be used; names it.
        """
        for name in (TOWER, WEIGHTS):
            if not (folder / name).is_file():
                raise BadRecommender(f"{folder}: no {name}; a folder of `python -m training product-tower` is needed")
        for name, other in PAIRS.items():
            if (folder / name).is_file() and not (folder / other).is_file():
                raise BadRecommender(f"{folder}: {name} without {other}; one says nothing without the other")
        for name in (WEIGHTS, HEAD):
            if (folder / name).is_file():
                _check_weights(folder / name)
        return cls(folder, _settings(folder / TOWER))

    def check_space(self, space: SpaceSettings) -> None:
        """See to it that the tower reads the rows of a release.

        Raises:
            BadRecommender: It was trained on rows of other lengths.
        """
        text, image = self.settings.text_dim, self.settings.image_dim
        if text != space.text_dim or image not in (0, space.image_dim):
            raise BadRecommender(
                f"{self.folder / TOWER}: trained on rows of {text} + {image} numbers (text, image), the towers of this "
                f"release make {space.text_dim} + {space.image_dim}; train it on rows of these towers"
            )

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that a recommender is made of, by name."""
        return {name: self.folder / name for name in TOWER_FILES if (self.folder / name).is_file()}

    def copy_complements(self, folder: Path) -> None:
        """Copy the head and the categories that go together, where there are any."""
        for name in PAIRS:
            if name in self.files:
                shutil.copyfile(self.files[name], folder / name)


def _settings(path: Path) -> FeatureSettings:
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        settings = FeatureSettings.from_dict(content["features"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRecommender(f"{path}: cannot be read as a trained tower: {error!r}") from error
    if content.get("format") != FORMAT:
        raise BadRecommender(f"{path}: `format` must be {FORMAT}, got {content.get('format')!r}")
    return settings


def _check_weights(path: Path) -> None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadRecommender(f"{path}: not a .safetensors file that can be read: {error}") from error
    bad = [name for name, values in tensors.items() if not np.isfinite(values).all()]
    if bad:
        raise BadRecommender(f"{path}: {bad[0]} holds values that are not finite; train it again")
