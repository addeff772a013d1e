"""What the models note of many queries, once; windows and baselines are then drawn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.observing import Columns, read_columns, write_columns
from ensemble.pipeline import Pipeline
from export.baseline.known import Photo
from export.baseline.making import note

Places = NDArray[np.int64]
TEXTS, PHOTOS, ANSWERS = "text_preprocess", "image_preprocess", "retrieve"


@dataclass(frozen=True)
class Stream:
    """What was noted of queries of one kind.

    Args:
        own: Of ``text_preprocess`` or ``image_preprocess``.
        answers: Of ``retrieve``, the same queries in the same order.
    """

    own: Columns
    answers: Columns

    def __len__(self) -> int:
        return len(self.answers["best"])

    def taken(self, places: Places) -> Stream:
        """The queries at some places, in their order."""
        return Stream(_taken(self.own, places), _taken(self.answers, places))

    def then(self, other: Stream) -> Stream:
        """These, and others behind them; what tells queries apart is numbered anew."""
        joined = Stream(_joined(self.own, other.own), _joined(self.answers, other.answers))
        return Stream({**joined.own, "key": np.arange(len(joined))}, joined.answers)


def noted(texts: Stream, photos: Stream) -> Mapping[str, Columns]:
    """As ``deploy.drift.measuring`` takes it."""
    return {TEXTS: texts.own, PHOTOS: photos.own, ANSWERS: _joined(texts.answers, photos.answers)}


def mixed(usual: Stream, foreign: Stream, share: float, random: np.random.Generator) -> Stream:
    """Usual queries of which a share, drawn one by one, is replaced by foreign ones."""
    other = random.random(len(usual)) < share
    replaced = foreign.taken(random.permutation(len(foreign))[: other.sum()])
    order = random.permutation(len(usual))
    return usual.taken(np.flatnonzero(~other)).then(replaced).taken(order)


def text_stream(pipeline: Pipeline, texts: Sequence[str], kept: Path) -> Stream:
    """Ask texts, or read what was noted when they were asked before."""
    return _stream(kept, TEXTS, lambda: note(pipeline, texts, ()), len(texts))


def photo_stream(pipeline: Pipeline, photos: Sequence[Photo], kept: Path) -> Stream:
    """Ask photos, or read what was noted when they were asked before."""
    return _stream(kept, PHOTOS, lambda: note(pipeline, (), photos), len(photos))


def _stream(kept: Path, model: str, ask: Any, count: int) -> Stream:
    files = {name: kept.with_name(f"{kept.name}-{name}.npz") for name in (model, ANSWERS)}
    if not all(path.is_file() for path in files.values()):
        kept.parent.mkdir(parents=True, exist_ok=True)
        for name, columns in ask().items():
            write_columns(files[name], columns)
    stream = Stream(read_columns(files[model]), read_columns(files[ANSWERS]))
    if len(stream) != count:
        raise ValueError(f"{kept} holds {len(stream)} queries, {count} are wanted: remove it")
    return stream


def _taken(columns: Columns, places: Places) -> Columns:
    return {name: values[places] for name, values in columns.items()}


def _joined(one: Columns, other: Columns) -> Columns:
    return {name: np.concatenate([values, other[name]]) for name, values in one.items()}
