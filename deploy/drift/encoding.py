"""Encodes texts as a release does, in this process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deploy.drift.explaining import Encode
from ensemble.opening import AnyTower, open_tower
from ensemble.settings import TextSettings, read
from ensemble.text import TextPreprocessor

_BATCH = 32


def release_encoder(store: Path, release: int) -> Encode:
    """The text tower of a release, opened when it is first needed and kept; it runs on one thread."""

    @cache
    def opened() -> tuple[TextPreprocessor, AnyTower]:
        folder = store / "models" / "text_preprocess" / str(release)
        settings = read(folder / "settings.json", "text", TextSettings)
        tower = open_tower(store / "models" / "text_tower" / str(release))
        return TextPreprocessor(folder / "tokenizer.json", settings), tower

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        preprocess, tower = opened()
        batches = [preprocess(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return np.concatenate(
            [tower.encode({"INPUT_IDS": batch.input_ids, "LENGTHS": batch.lengths}) for batch in batches]
        )

    return encode
