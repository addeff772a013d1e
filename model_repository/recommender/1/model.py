"""Products, or a new one's ROW, to recommended products."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils

from ensemble.admission import Exit
from ensemble.index import Journal
from ensemble.index.choice import CPU, EngineChoice
from ensemble.measuring.recommendations import measure_recommendations
from ensemble.recommending import SNAPSHOTS as OWN_SNAPSHOTS
from ensemble.recommending import follow_recommender, still_recommender
from ensemble.serving import guarded, response, tensors_of
from ensemble.tasks import Answered
from ensemble.variables import CATALOGUE, ENGINE, SNAPSHOTS

SWITCH_S = 0.0005


class TritonPythonModel:
    """Recommends for all requests of a batch at once; see ``ensemble.tasks``."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the index of this release where ``TANDEM_ENGINE`` says; where there is a catalogue, follow it."""
        # The follower's Python shares this process: by default a request may wait 5 ms for it at each of its steps.
        sys.setswitchinterval(SWITCH_S)
        self._release = int(args["model_version"])
        self._exit = Exit()
        self._stop: Callable[[], None] = _nothing
        folder = Path(args["model_repository"]) / args["model_version"]
        # A Milvus has the rows of products, not the vectors that these are recommended by.
        engine = CPU if os.environ.get(ENGINE) == "milvus" else EngineChoice.asked(os.environ)
        if os.environ.get(CATALOGUE):
            self._follow(folder, os.environ[CATALOGUE], engine)
        else:
            self._recommender = still_recommender(folder, engine=engine)
        if self._recommender.source.trouble is not None:
            pb_utils.Logger.log_warn(f"release {self._release}: {self._recommender.source.trouble}")
        index, profiles = self._recommender.index, ", ".join(self._recommender.shop.profiles.by_name)
        where = "on the GPU" if index.on_gpu else "on the CPU"
        pb_utils.Logger.log_info(f"release {self._release} recommends {where}, from {index.seq} on: {profiles}")
        self._counts, self._meter = measure_recommendations(pb_utils, args, self._recommender)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Recommend for all requests that can be served; refuse the others each for its own reason."""
        try:
            return self._answer(requests)
        finally:
            self._exit.leave(requests)

    def finalize(self) -> None:
        """Stop following and counting."""
        self._stop()
        self._meter.close()

    def _answer(self, requests: list[Any]) -> list[Any]:
        documents = ["PRODUCT" in request.requested_output_names() for request in requests]
        inputs = [tensors_of(request) for request in requests]
        answers = self._recommender.answer(inputs, documents=documents)
        self._counts.answered(inputs, answers)
        return [guarded(pb_utils, lambda answer=answer: self._response(answer)) for answer in answers]

    def _follow(self, folder: Path, catalogue: str, engine: EngineChoice) -> None:
        from catalogue.database import Journal as Database
        from catalogue.errors import DatabaseUnusable

        def journal(space_id: str, catalogue_id: str) -> Journal:
            return Database(catalogue, space_id, catalogue_id, all_rows=True)

        # Without a folder for them, the release's own snapshot is the only one.
        snapshots = Path(os.environ.get(SNAPSHOTS, folder / "snapshots")) / f"{self._release:04d}" / OWN_SNAPSHOTS
        self._recommender, follower = follow_recommender(
            folder, snapshots, journal, engine=engine, fatal=(DatabaseUnusable,)
        )
        self._stop = follower.stop

    def _response(self, answer: Answered) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return response(pb_utils, answer.tensors(self._release))


def _nothing() -> None:
    """What is to be stopped where nothing was started."""
