"""TEXT_VECTOR and/or IMAGE_VECTOR to products."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

from ensemble.admission import Exit
from ensemble.following import follow
from ensemble.found import rectangle
from ensemble.index import Journal
from ensemble.index.choice import EngineChoice
from ensemble.measuring.searches import measure_retrieval
from ensemble.observing import AnswerFeatures, observe
from ensemble.pipeline import open_retrieval
from ensemble.query import DEFAULT_K
from ensemble.retrieval import Answered
from ensemble.serving import guarded, response, tensors_of
from ensemble.variables import CATALOGUE, ENGINE, SNAPSHOTS

SWITCH_S = 0.0005


class TritonPythonModel:
    """Searches for all requests of a batch at once; see ``ensemble.retrieval``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the index of this release where ``TANDEM_ENGINE`` says; where there is a catalogue, follow it."""
        # The follower's Python shares this process: by default a search may wait 5 ms for it at each of its steps.
        sys.setswitchinterval(SWITCH_S)
        self._release = int(args["model_version"])
        self._exit = Exit()
        self._stop: Callable[[], None] = _nothing
        folder = Path(args["model_repository"]) / args["model_version"]
        if os.environ.get(ENGINE) == "milvus":
            self._search_milvus(folder)
        elif os.environ.get(CATALOGUE):
            self._follow(folder, os.environ[CATALOGUE])
        else:
            self._retrieval = open_retrieval(folder, engine=EngineChoice.asked(os.environ))
        if self._retrieval.source.trouble is not None:
            pb_utils.Logger.log_warn(f"release {self._release}: {self._retrieval.source.trouble}")
        index = self._retrieval.source.index
        where = f"{type(index).__name__}, {'on the GPU' if index.on_gpu else 'on the CPU'}"
        pb_utils.Logger.log_info(f"release {self._release} is searched by {where}, from {index.seq} on")
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
        self._stop()
        self._meter.close()
        self._observer.stop()

    def _answer(self, requests: list[Any]) -> list[Any]:
        documents = ["PRODUCT" in request.requested_output_names() for request in requests]
        answers = self._retrieval.answer([tensors_of(request) for request in requests], documents=documents)
        responses = [guarded(pb_utils, lambda answer=answer: self._response(answer)) for answer in answers]
        self._observer(requests, responses)
        return responses

    def _follow(self, folder: Path, catalogue: str) -> None:
        from catalogue.database import Journal as Database
        from catalogue.errors import DatabaseUnusable

        def journal(space_id: str, catalogue_id: str) -> Journal:
            return Database(catalogue, space_id, catalogue_id)

        # Without a folder for them, the release's own snapshot is the only one.
        snapshots = Path(os.environ.get(SNAPSHOTS, folder / "snapshots")) / f"{self._release:04d}"
        engine = EngineChoice.asked(os.environ)
        self._retrieval, follower = follow(folder, snapshots, journal, engine=engine, fatal=(DatabaseUnusable,))
        self._stop = follower.stop

    def _search_milvus(self, folder: Path) -> None:
        from ensemble.index.milvus import MilvusOptions
        from ensemble.searching_milvus import open_milvus_retrieval

        self._retrieval, source = open_milvus_retrieval(folder, MilvusOptions.asked(os.environ))
        self._stop = source.stop

    def _response(self, answer: Answered) -> Any:
        if isinstance(answer, Exception):
            raise answer
        tensors = rectangle(answer)
        tensors["RELEASE"] = np.full((len(answer.hits), 1), self._release, np.int64)
        return response(pb_utils, tensors)


def _nothing() -> None:
    """What is to be stopped where nothing was started."""
