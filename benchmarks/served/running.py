"""Opens a release and its server, and judges by all queries."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.served.asking import Asked
from benchmarks.served.judging import K, judge
from benchmarks.served.reference import Advance, Reference
from benchmarks.served.values import KINDS, Judged, bound_of, of_kind
from deploy.errors import NoRelease
from deploy.server import Server
from deploy.store import Release, check_release, find_release
from ensemble.hashing import sha256
from ensemble.release import MANIFEST, Manifest, release_folder
from export.errors import BadEvaluation
from export.queries import Query, read_queries

MAX_THREADS = 8


@dataclass(frozen=True)
class Order:
    """What is to be judged, and by what.

    Args:
        store: Has the release.
        queries: File of held-out queries; kinds that it lacks are not judged.
        release: Number of the release; the newest where there is none.
        url: Of a server that runs; where there is none, one is started, which serves the newest release only.
        recall: Least recall@10, which goes before that of the served precision.
    """

    store: Path
    queries: Path
    release: int | None = None
    url: str | None = None
    recall: float | None = None

    def __post_init__(self) -> None:
        # Written so that NaN is refused too.
        if self.recall is not None and not 0 < self.recall <= 1:
            raise ValueError(f"`recall` must be above 0 and at most 1, got {self.recall}")


@dataclass(frozen=True)
class Outcome:
    """What was found.

    Args:
        release: Its number.
        precisions: In which ``text`` and ``vision`` serve.
        judged: One a kind of queries that there were.
    """

    release: int
    precisions: dict[str, str]
    judged: tuple[Judged, ...]


def run(order: Order, start: Callable[[int], Advance]) -> Outcome:
    """Judge what is served.

    Args:
        order: What, and by what.
        start: Told how many products are embedded first; gives what is told of each that is done.

    Raises:
        DeployError: There is no such release, its files are not what was made, or it cannot be served.
        ExportError: Nothing can be judged by these queries or by this release.
        TandemError: The server refuses a query, or does not answer.
    """
    release = _release(order)
    check_release(release)
    queries = _queries(order.queries, Manifest.load(release.folder / MANIFEST))
    reference = Reference.of(release, start, threads=min(os.cpu_count() or 1, MAX_THREADS))
    places = {product.id: at for at, product in enumerate(reference.products)}
    precisions = reference.precisions()
    with _served(order) as url:
        asked = Asked(url, release.number, reference.seq, places, K)
        judged = [
            judge(kind, some, reference, asked, bound_of(kind, precisions, reference.space, order.recall))
            for kind in KINDS
            if (some := of_kind(queries, kind))
        ]
    return Outcome(release.number, precisions, tuple(judged))


def _queries(path: Path, manifest: Manifest) -> list[Query]:
    """Read them, but not those that the release was fitted to."""
    queries = read_queries(path)
    if manifest.inputs.get("calibration", {}).get("sha256") == sha256(path):
        raise BadEvaluation(f"{path}: the release was calibrated on these queries; give others, which it has not seen")
    return queries


def _release(order: Order) -> Release:
    newest, number = find_release(order.store), order.release
    if number is None or number == newest.number:
        return newest
    folder = release_folder(order.store.resolve(), number)
    if not (folder / MANIFEST).is_file():
        raise NoRelease(f"{order.store} holds no release {number}; the newest is {newest.number}")
    if order.url is None:
        raise NoRelease(f"release {number}: only the newest, {newest.number}, can be started; give --url of its server")
    return Release(number, newest.models, folder, newest.run)


@contextmanager
def _served(order: Order) -> Iterator[str]:
    if order.url is not None:
        yield order.url
        return
    with Server(order.store) as server:
        yield server.grpc_url
