"""TEXT_VECTOR and/or IMAGE_VECTOR to products."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from ensemble.gently import import_gently, leave_gently

import_gently("catalogue.database", "ensemble.following", "ensemble.pipeline")

from ensemble.admission import Exit
from ensemble.following import follow
from ensemble.found import rectangle
from ensemble.index.choice import EngineChoice
from ensemble.measuring.searches import measure_retrieval
from ensemble.observing import AnswerFeatures, observe
from ensemble.pipeline import open_retrieval
from ensemble.query import DEFAULT_K
from ensemble.retrieval import Answered, Retrieval
from ensemble.served_release import ServedRelease, take_turns
from ensemble.serving import guarded, response, tensors_of


class TritonPythonModel:
    """Searches for all requests of a batch at once; see ``ensemble.retrieval``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the index of this release where ``TANDEM_ENGINE`` says; where there is a catalogue, follow it."""
        take_turns()
        self._release = ServedRelease.of(args, os.environ)
        self._exit, self._started = Exit(), ExitStack()
        self._retrieval = self._open()
        index = self._retrieval.source.index
        where = f"{type(index).__name__}, {'on the GPU' if index.on_gpu else 'on the CPU'}"
        self._release.log(pb_utils.Logger, self._retrieval.source, f"is searched by {where}, from {index.seq} on")
        self._meter = measure_retrieval(pb_utils, args, self._retrieval)
        space = self._retrieval.space
        self._observer = observe(args, AnswerFeatures(space.text_dim, space.image_dim, DEFAULT_K))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Search once for all requests that can be served; refuse the others each for its own reason."""
        try:
            return self._answer(requests)
        finally:
            self._exit.leave(requests)

    def finalize(self) -> None:
        """Stop following and counting, and write down what was noted last."""
        leave_gently()
        self._started.close()
        self._meter.close()
        self._observer.stop()

    def _answer(self, requests: list[Any]) -> list[Any]:
        documents = ["PRODUCT" in request.requested_output_names() for request in requests]
        answers = self._retrieval.answer([tensors_of(request) for request in requests], documents=documents)
        responses = [guarded(pb_utils, lambda answer=answer: self._response(answer)) for answer in answers]
        self._observer(requests, responses)
        return responses

    def _open(self) -> Retrieval:
        if self._release.in_milvus:
            return self._search_milvus()
        if self._release.catalogue:
            return self._follow()
        return open_retrieval(self._release.folder, engine=EngineChoice.asked(os.environ))

    def _follow(self) -> Retrieval:
        from catalogue.database import Journal
        from catalogue.errors import DatabaseUnusable

        folder, snapshots = self._release.folder, self._release.snapshots
        journal, engine = partial(Journal, self._release.catalogue), EngineChoice.asked(os.environ)
        retrieval, follower = follow(folder, snapshots, journal, engine=engine, fatal=(DatabaseUnusable,))
        self._started.callback(follower.stop)
        return retrieval

    def _search_milvus(self) -> Retrieval:
        from ensemble.index.milvus import MilvusOptions
        from ensemble.searching_milvus import open_milvus_retrieval

        retrieval, source = open_milvus_retrieval(self._release.folder, MilvusOptions.asked(os.environ))
        self._started.callback(source.stop)
        return retrieval

    def _response(self, answer: Answered) -> Any:
        if isinstance(answer, Exception):
            raise answer
        tensors = rectangle(answer)
        tensors["RELEASE"] = np.full((len(answer.hits), 1), self._release.number, np.int64)
        return response(pb_utils, tensors)
