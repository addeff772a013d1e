"""A store whose release has a baseline, and windows of live traffic, both drawn by chance."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.observing import FOLDER, Writer, write_columns
from ensemble.release import release_folder

NOW = 1_000_000.0
DIM = 8
USUAL, FOREIGN = np.eye(DIM)[0], np.eye(DIM)[1]

Columns = dict[str, NDArray[Any]]


def texts(random: np.random.Generator, count: int, words: tuple[str, ...] = ("red", "mug", "small")) -> Columns:
    """Different texts of some words, each with a number."""
    made = [f"{' '.join(random.permutation(words))} {number}" for number in random.permutation(count)]
    lengths = random.integers(3, 9, count).astype(float)
    return {
        "key": np.arange(count),
        "text": np.array(made),
        "characters": lengths * 5,
        "tokens": lengths,
        "unknown": np.zeros(count),
        "cut": np.zeros(count),
    }


def photos(random: np.random.Generator, count: int, brightness: float = 120.0) -> Columns:
    """Different photos of one camera."""
    columns = {name: random.normal(size=count) for name in ("bytes", "contrast")}
    sizes = {"width": np.full(count, 640.0), "height": np.full(count, 480.0)}
    return {**columns, **sizes, "key": np.arange(count), "brightness": random.normal(brightness, 20.0, count)}


def answers(random: np.random.Generator, count: int, towards: NDArray[Any] = USUAL, score: float = 0.7) -> Columns:
    """Text queries around a direction, and how good their best product is."""
    vectors = random.normal(size=(count, DIM)) * 0.4 + towards
    return {
        "text_vector": (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16),
        "image_vector": np.zeros((count, DIM), np.float16),
        "plain": np.ones(count, bool),
        "best": random.normal(score, 0.05, count),
        "gap": random.random(count) * 0.1,
        "found": np.ones(count),
    }


def write_baseline(store: Path, release: int = 1, count: int = 300) -> Path:
    """A baseline of usual traffic; returns its folder."""
    folder = release_folder(store, release) / "baseline"
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    for model, columns in (
        ("text_preprocess", texts(random, count)),
        ("image_preprocess", photos(random, count)),
        ("retrieve", answers(random, count)),
    ):
        write_columns(folder / f"{model}.npz", columns)
    facts = {"format": 1, "recall_at_10": 0.9, "questions": 3, "source": "texts of the queries", "statistics": {}}
    (folder / "baseline.json").write_text(json.dumps(facts))
    return folder


def write_window(store: Path, model: str, columns: Columns, sequence: int = 0, **more: Any) -> None:
    """A window that a model left, half a minute long, which ended ``sequence`` half-minutes after ``NOW``."""
    facts = {"started": NOW - 30.0, "ended": NOW + 30.0 * sequence, "seen": 9_999.0}
    folder = store / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(model, more.get("release", 1), more.get("pid", 11), "one_0")
    write_columns(folder / writer.file(sequence), columns, facts)
