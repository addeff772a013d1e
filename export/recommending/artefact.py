"""The folder of a trained product tower, checked before the long work begins."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.features import FeatureSettings
from ensemble.settings import SpaceSettings
from export.errors import BadRecommender
from export.recommend_table import COMPLEMENTS, HEAD, TOWER, TOWER_FILES, WEIGHTS
from export.reference import Floats

FORMAT = 1
# Either file of a pair says nothing without the other.
PAIRS = {HEAD: COMPLEMENTS, COMPLEMENTS: HEAD}
# Rounding and a lower precision cost less than a hundredth; rows of another text tower have cosines about 0.
LEAST_COSINE, LEAST_ROWS = 0.9, 4


@dataclass(frozen=True)
class Artefact:
    """What ``python -m training product-tower`` left.

    Args:
        folder: Where.
        settings: How the features of a product are made.
        rows: Some of the rows that it was trained on, by id and title of their product; empty where its file has none.
    """

    folder: Path
    settings: FeatureSettings
    rows: Mapping[str, Floats] = field(default_factory=dict)

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
        return cls(folder, *_described(folder / TOWER))

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

    def check_rows(self, products: Sequence[Mapping[str, Any]], rows: Floats) -> bool:
        """See to it that a release's rows are of the towers that this one was trained on.

        Args:
            products: Of the release, as documents.
            rows: ``(products, row_dim)``.

        Returns:
            Whether there were enough products to tell.

        Raises:
            BadRecommender: The same products have other rows, or the file's are not of such lengths.
        """
        dim = self.settings.row_dim
        wrong = [name for name, row in self.rows.items() if row.shape != (dim,) or not np.isfinite(row).all()]
        if wrong:
            raise BadRecommender(f"{self.folder / TOWER}: `rows` of {wrong[0]!r} must be {dim} finite numbers")
        labels = (f"{product['id']} {product['title']}" for product in products)
        places = {label: at for at, label in enumerate(labels) if label in self.rows}
        if len(places) < LEAST_ROWS:
            return False
        told = np.stack([self.rows[name] for name in places])
        own = rows[list(places.values()), :dim]
        lengths = np.linalg.norm(told, axis=1) * np.linalg.norm(own, axis=1)
        cosine = float(np.mean((told * own).sum(axis=1) / np.maximum(lengths, 1e-12)))
        if cosine < LEAST_COSINE:
            raise BadRecommender(
                f"{self.folder / TOWER}: trained on other rows than the towers of this release make: over "
                f"{len(places)} products their mean cosine is {cosine:.3f}, must be at least {LEAST_COSINE}; train it "
                "with --store"
            )
        return True

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that a recommender is made of, by name."""
        return {name: self.folder / name for name in TOWER_FILES if (self.folder / name).is_file()}

    def copy_complements(self, folder: Path) -> None:
        """Copy the head and the categories that go together, where there are any."""
        for name in PAIRS:
            if name in self.files:
                shutil.copyfile(self.files[name], folder / name)


def _described(path: Path) -> tuple[FeatureSettings, dict[str, Floats]]:
    try:
        content: dict[str, Any] = json.loads(path.read_text("utf-8"))
        settings = FeatureSettings.from_dict(content["features"])
        rows = {name: np.array(row, np.float32) for name, row in content.get("rows", {}).items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadRecommender(f"{path}: cannot be read as a trained tower: {error!r}") from error
    if content.get("format") != FORMAT:
        raise BadRecommender(f"{path}: `format` must be {FORMAT}, got {content.get('format')!r}")
    return settings, rows


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
