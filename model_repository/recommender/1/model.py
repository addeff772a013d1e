"""Products, or a new one's ROW, to recommended products."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.gently import import_gently, leave_gently

import_gently("catalogue.database", "ensemble.recommending")

from ensemble.admission import Exit
from ensemble.index.choice import CPU, EngineChoice
from ensemble.measuring.recommendations import measure_recommendations
from ensemble.recommending import SNAPSHOTS, follow_recommender, still_recommender
from ensemble.served_release import ServedRelease, take_turns
from ensemble.serving import guarded, response, tensors_of
from ensemble.tasks import Answered, Recommender


class TritonPythonModel:
    """Recommends for all requests of a batch at once; see ``ensemble.tasks``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the index of this release where ``TANDEM_ENGINE`` says; where there is a catalogue, follow it."""
        take_turns()
        self._release = ServedRelease.of(args, os.environ)
        self._exit, self._started = Exit(), ExitStack()
        # A Milvus has the rows of products, not the vectors that these are recommended by.
        engine = CPU if self._release.in_milvus else EngineChoice.asked(os.environ)
        opened = self._follow if self._release.catalogue else still_recommender
        self._recommender = opened(self._release.folder, engine=engine)
        index, profiles = self._recommender.index, ", ".join(self._recommender.shop.profiles.by_name)
        where = "on the GPU" if index.on_gpu else "on the CPU"
        told = f"recommends {where}, from {index.seq} on: {profiles}"
        self._release.log(pb_utils.Logger, self._recommender.source, told)
        self._counts, self._meter = measure_recommendations(pb_utils, args, self._recommender)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Recommend for all requests that can be served; refuse the others each for its own reason."""
        try:
            return self._answer(requests)
        finally:
            self._exit.leave(requests)

    def finalize(self) -> None:
        """Stop following and counting."""
        leave_gently()
        self._started.close()
        self._meter.close()

    def _answer(self, requests: list[Any]) -> list[Any]:
        documents = ["PRODUCT" in request.requested_output_names() for request in requests]
        inputs = [tensors_of(request) for request in requests]
        answers = self._recommender.answer(inputs, documents=documents)
        self._counts.answered(inputs, answers)
        return [guarded(pb_utils, lambda answer=answer: self._response(answer)) for answer in answers]

    def _follow(self, folder: Path, *, engine: EngineChoice) -> Recommender:
        from catalogue.database import Journal
        from catalogue.errors import DatabaseUnusable

        snapshots = self._release.snapshots / SNAPSHOTS
        journal = partial(Journal, self._release.catalogue, all_rows=True)
        recommender, follower = follow_recommender(folder, snapshots, journal, engine=engine, fatal=(DatabaseUnusable,))
        self._started.callback(follower.stop)
        return recommender

    def _response(self, answer: Answered) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return response(pb_utils, answer.tensors(self._release.number))
