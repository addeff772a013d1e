"""Asks a server with each engine, and holds its answers to the twin's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.gpu.serving.questions import Question
from benchmarks.gpu.serving.twin import Twin, copied_catalogue
from clients import Answer, Client
from deploy.options import ServeOptions
from deploy.searching import Searching
from deploy.server import Server
from deploy.store import check_release, find_release

KINDS = ("text", "photo")
PROBE = "prove-gpu"
FILTER = {"eq": ["id", PROBE]}
FIRST_PRICE, NEXT_PRICE = 7.25, 6.5

Tell = Callable[[str], None]


@dataclass
class Served:
    """What came of asking one engine.

    Args:
        engine: As ``deploy serve --engine`` takes it.
        latencies_ms: Of each search, by kind, one at a time.
        failures: What is wrong, in words.
        largest_difference: Of a score from the twin's.
        seen_ms: From the end of each write to the end of the search that shows it, by write; empty without a catalogue.
    """

    engine: str
    latencies_ms: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    failures: list[str] = field(default_factory=list)
    largest_difference: float = 0.0
    seen_ms: dict[str, float] = field(default_factory=dict)

    def figures(self) -> dict[str, Any]:
        """As JSON types."""
        p50 = {kind: round(statistics.median(taken), 3) for kind, taken in self.latencies_ms.items() if taken}
        return {
            "engine": self.engine,
            "questions": sum(map(len, self.latencies_ms.values())),
            "p50_ms": p50,
            "largest_score_difference": self.largest_difference,
            "seen_ms": {name: round(taken, 3) for name, taken in self.seen_ms.items()},
            "failures": self.failures,
        }


@dataclass(frozen=True)
class Order:
    """What is to be proven.

    Args:
        store: With the release; its catalogue is copied, so that nothing is written to it.
        questions: What is asked.
        engines: Each is served in turn.
        patience_s: How long a start or an answer may take: kernels that are interpreted are slow.
    """

    store: Path
    questions: Sequence[Question]
    engines: tuple[str, ...]
    patience_s: float


def prove(order: Order, tell: Tell) -> list[Served]:
    """Serve with each engine in turn, and compare.

    Raises:
        DeployError: There is no such release, or it cannot be served with an engine.
        TandemError: The server refuses a question, or does not answer.
        EnsembleError: The twin cannot be opened.
    """
    release = find_release(order.store)
    check_release(release)
    with TemporaryDirectory(prefix="tandem-") as place:
        return [_served(order, engine, Path(place) / engine, tell) for engine in order.engines]


def _served(order: Order, engine: str, work: Path, tell: Tell) -> Served:
    (work / "snapshots").mkdir(parents=True)
    catalogue = copied_catalogue(order.store, work)
    options = ServeOptions(start_timeout_s=order.patience_s, searching=Searching(engine))
    found = Served(engine)
    tell(f"serving with the engine {engine}")
    with (
        Twin.of(find_release(order.store), catalogue, work / "snapshots") as twin,
        Server(order.store, catalogue=catalogue, options=options, watch=False) as server,
        Client(server.grpc_url, timeout_s=order.patience_s) as client,
    ):
        twin.catch_up(twin.seq or 0, order.patience_s)
        for question in order.questions:
            _ask(client, twin, question, found)
        if catalogue:
            _write(client, twin, order, found)
    return found


def _ask(client: Client, twin: Twin, question: Question, found: Served) -> None:
    kind = "photo" if question.text is None else "text"
    started = time.perf_counter()
    answer = client.search(
        text=question.text,
        image=question.image,
        k=question.k,
        filter=question.filter,
        rank=question.rank,
        min_seq=twin.seq,
    )
    found.latencies_ms[kind].append(1000 * (time.perf_counter() - started))
    _compare(twin, question, answer, found)


def _compare(twin: Twin, question: Question, answer: Answer, found: Served) -> None:
    wrong, apart = twin.differs(question, answer)
    found.largest_difference = max(found.largest_difference, apart)
    if wrong is not None:
        found.failures.append(f"{found.engine}: {question}: {wrong}")


def _write(client: Client, twin: Twin, order: Order, found: Served) -> None:
    """A product is written, changed and deleted; the next search must show each."""
    product = {"id": PROBE, "title": "a product to prove", "price": FIRST_PRICE, "available": True}
    by_price = {"and": [FILTER, {"range": ["price", NEXT_PRICE, NEXT_PRICE]}]}
    steps: tuple[tuple[str, Callable[[], int], Any, list[str]], ...] = (
        ("upsert", lambda: client.upsert(product).seq, FILTER, [PROBE]),
        ("patch", lambda: client.patch(PROBE, price=NEXT_PRICE).seq, by_price, [PROBE]),
        ("delete", lambda: client.delete(PROBE).seq, FILTER, []),
    )
    text = b"a product to prove"
    for name, write, where, right in steps:
        seq = write()
        started = time.perf_counter()
        answer = client.search(text=text, filter=where, min_seq=seq)
        found.seen_ms[name] = 1000 * (time.perf_counter() - started)
        ids = [result.id for result in answer.results]
        if ids != right:
            found.failures.append(f"{found.engine}: after the {name} {ids} was found; {right} is right")
        twin.catch_up(seq, order.patience_s)
        _compare(twin, Question(text, None, 10, where), answer, found)
