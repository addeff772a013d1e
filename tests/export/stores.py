"""What is in a store of releases, for tests of whole releases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from ensemble.hashing import sha256
from ensemble.release import releases
from export.kept import FOLDER as KEPT

COMPOSING = (
    "text_preprocess",
    "text_tower",
    "image_preprocess",
    "vision_tower",
    "product_preprocess",
    "product_row",
    "commit_product",
    "commit_patch",
    "commit_deletion",
    "retrieve",
    "recommender",
    "admission",
)
ENSEMBLES = (
    *("search_text", "search_image", "search", "embed_text", "embed_image", "embed_product"),
    *("upsert_product", "patch_product", "delete_product"),
    *("recommend", "recommend_product"),
)


def config(store: Path, model: str) -> Any:
    """The config that Triton reads of a model."""
    return text_format.Parse((store / "models" / model / "config.pbtxt").read_text(), ModelConfig())


def tree(folder: Path) -> dict[str, str]:
    """Every file below a folder with its hash, but for results that are kept for another try."""
    return {
        str(path.relative_to(folder)): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".export.lock" and KEPT not in path.parts
    }


def break_off_moves(store: Path, make: Callable[[], object], patch: pytest.MonkeyPatch, stride: int) -> int:
    """Break off before the first rename, after so many, after twice as many, and so on, until a release is made.

    Args:
        store: With one release; every try that breaks off must leave it as it was.
        make: Makes the second.
        patch: Undone at the end of the test.
        stride: How many renames more each try is allowed.

    Returns:
        How many renames another try would have been allowed.
    """
    before, rename = tree(store), Path.replace
    left = allowed = 0

    def break_off(self: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return rename(self, target)

    patch.setattr(Path, "replace", break_off)
    while releases(store) == [1]:
        left = allowed
        try:
            make()
        except KeyboardInterrupt:
            assert tree(store) == before, f"broken off after {allowed} renames"
        allowed += stride
    return allowed
