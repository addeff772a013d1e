"""The recommender itself, asked in this process as the server asks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index import Index, Still
from ensemble.tasks import Recommended, Recommender, open_recommender
from export.evaluation.choosing import filled
from export.evaluation.metrics import DEPTH
from export.evaluation.questions import Question
from export.evaluation.shop import Shop
from export.recommending.folder import INDEX

Codes = NDArray[np.int64]


@dataclass
class Clock:
    """What the recommender takes for now: the time of the question.

    Args:
        now_s: Unix seconds.
    """

    now_s: float = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


@dataclass(frozen=True)
class Served:
    """A profile of a recommender.

    Args:
        name: What the table calls it.
        profile: Its name in ``tasks.toml``.
        recommender: Opened from a folder of ``write_recommender``, with ``clock``.
        clock: Set to the time of each question.
        shop: The catalogue.
        knobs: Further inputs of the request, such as ``NEAREST``.
        newest_only: Whether the newest product alone counts, as on the page of a product; the others are left out of
            the answer all the same.
    """

    name: str
    profile: str
    recommender: Recommender
    clock: Clock
    shop: Shop
    knobs: tuple[tuple[str, int], ...] = ()
    newest_only: bool = False

    def answer(self, questions: Sequence[Question]) -> Codes:
        """See ``Model.answer``. Equal requests are asked once.

        Raises:
            EnsembleError: The recommender refuses a question.
        """
        once = {question.request: question for question in questions}
        lists = {request: self._one(question) for request, question in once.items()}
        return filled([lists[question.request] for question in questions])

    def recommended(self, question: Question, k: int = DEPTH) -> Recommended:
        """The whole answer of a question, with its rules and its reason."""
        self.clock.now_s = float(question.time_s)
        answer = self.recommender.answer([self.tensors(question, k)], documents=[False])[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def tensors(self, question: Question, k: int = DEPTH) -> dict[str, NDArray[Any]]:
        """The request of a question, as the server takes it."""
        tensors: dict[str, NDArray[Any]] = {
            "PRODUCT_ID": self._ids(question.products),
            "TASK": np.array([[self.profile.encode()]], object),
            "K": np.array([[k]], np.int32),
        }
        if len(question.times_s):
            tensors["TIMES"] = question.times_s[None]
        if len(question.seen):
            tensors["SEEN"] = self._ids(question.seen)
        if self.newest_only:
            tensors["WEIGHTS"] = (np.arange(len(question.products)) == 0).astype(np.float32)[None]
        return tensors | {name: np.array([[value]], np.int32) for name, value in self.knobs}

    def _one(self, question: Question) -> Codes:
        ids = self.recommended(question).found.ids[0]
        return np.array([self.shop.place[name] for name in ids], np.int64)

    def _ids(self, places: Codes) -> NDArray[Any]:
        return np.array([[self.shop.products[place]["id"].encode() for place in places.tolist()]], object)


def open_served(folder: Path, clock: Clock) -> Recommender:
    """The recommender of a folder of ``write_recommender``, over the index that lies in it."""
    return open_recommender(folder, Still(Index.open(folder / INDEX)), clock=clock)
