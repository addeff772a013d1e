"""The twin: the same release in this process, searched exactly in main memory, which follows the same catalogue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gpu.serving.questions import Question
from clients import Answer
from deploy.living import OWN
from deploy.store import Release
from ensemble.following import follow
from ensemble.index import Follower, Journal
from ensemble.index.choice import MOST_K, EngineChoice
from ensemble.pipeline import Encoders, Pipeline, open_retrieval

# Towers may sum in another order on a GPU, or in a batch of another size: scores may differ by less.
TOLERANCE = 1e-3
# Products that the twin is asked for beyond those that are wanted: others may have nearly their score.
SPARE = 100

EXACT = EngineChoice("exact")


@dataclass(frozen=True)
class Twin:
    """What answers must agree with.

    Args:
        pipeline: Of the release.
        follower: Of the catalogue; None where there is none.
        seq: The state of the catalogue that answers must know of; None where there is none.
    """

    pipeline: Pipeline
    follower: Follower | None
    seq: int | None

    @classmethod
    @contextmanager
    def of(cls, release: Release, catalogue: str, work: Path) -> Iterator[Twin]:
        """Open a release.

        Args:
            release: The release.
            catalogue: URL of the database; empty for an index that stays as it was released.
            work: An empty folder.

        Raises:
            DamagedRelease: A file is missing or cannot be used.
        """
        folder = release.models / "retrieve" / str(release.number)
        encoders = Encoders.open(release.models, release.number)
        if not catalogue:
            yield cls(Pipeline(encoders, open_retrieval(folder, engine=EXACT)), None, None)
            return
        from catalogue.database import Journal as Database

        def journal(space_id: str, catalogue_id: str) -> Journal:
            return Database(catalogue, space_id, catalogue_id)

        retrieval, follower = follow(folder, work, journal, engine=EXACT)
        try:
            yield cls(Pipeline(encoders, retrieval), follower, _head(catalogue, retrieval.space.space_id))
        finally:
            follower.stop()

    def catch_up(self, seq: int, within_s: float) -> None:
        """Wait until the catalogue is known up to a sequence number, where there is one."""
        if self.follower is not None:
            self.follower.catch_up(seq, within_s)

    def differs(self, question: Question, answer: Answer) -> tuple[str | None, float]:
        """Hold an answer to the twin's.

        Returns:
            What is wrong, in words, and the largest difference of a score; None where nothing is.
        """
        texts = None if question.text is None else [question.text]
        images = None if question.image is None else [question.image]
        where = "" if question.filter is None else json.dumps(question.filter)
        k = min(MOST_K, question.k + SPARE)
        (hits,) = self.pipeline.search(texts, images, k=k, filter=where, rank=question.rank or "")
        scores = {hit.id: hit.score for hit in hits}
        found = [(result.id, result.score) for result in answer.results]
        wanted = min(question.k, len(hits))
        if len(found) != wanted or len({name for name, _ in found}) != wanted:
            return f"{len(found)} products, some twice perhaps; {wanted} are right", 0.0
        unknown = next((name for name, _ in found if name not in scores), None)
        if unknown is not None:
            return f"{unknown!r} is not among the twin's first {len(hits)}", 0.0
        apart = max((abs(score - scores[name]) for name, score in found), default=0.0)
        if apart > TOLERANCE:
            return f"scores differ by {apart:.2g}; at most {TOLERANCE} is allowed", apart
        if found and min(scores[name] for name, _ in found) < hits[wanted - 1].score - 2 * TOLERANCE:
            return f"a product below the twin's {wanted}th", apart
        if [score for _, score in found] != sorted((score for _, score in found), reverse=True):
            return "not in the order of the scores", apart
        return None, apart


def _head(catalogue: str, space_id: str) -> int:
    """The catalogue's last sequence number."""
    from catalogue.database import Journal as Database

    with closing(Database(catalogue, space_id)) as journal:
        return journal.head()


def copied_catalogue(store: Path, work: Path) -> str:
    """URL of a copy of the store's own catalogue, so that it stays as it is; empty where it has none."""
    own, copy = store / OWN, work / OWN
    if not own.is_file():
        return ""
    uri = f"{own.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return f"sqlite:///{copy}"
