from __future__ import annotations

import gc
import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from ensemble.errors import InvalidInput
from ensemble.index import ExactEngine, Hits, Index, Slots
from ensemble.index.engine import Engine
from ensemble.index.gpu.errors import DeviceLost, GpuError, OutOfDeviceMemory
from ensemble.index.stepping import SteppingDown
from ensemble.index.terms import HostTerms, Terms
from tests import tiny
from tests.ensemble.journal_twin import TwinCatalogue, index_of

DIM = 4
RED = b'{"eq": ["color", "red"]}'


class Card:
    """Engine and terms that answer as main memory does until they are broken: at one call, and all after it."""

    def __init__(self, slots: Slots) -> None:
        self.engine, self.terms = ExactEngine(slots), HostTerms(slots)
        self.breaks_at = ""
        self.error: GpuError = DeviceLost("an illegal address")
        self.is_lost = False

    def _use(self, call: str) -> None:
        self.is_lost = self.is_lost or call == self.breaks_at
        if self.is_lost:
            raise self.error

    def search(self, queries: Any, counts: Sequence[int], passing: Sequence[Any], boosts: Any = None) -> list[Hits]:
        self._use("search")
        return self.engine.search(queries, counts, passing, boosts)

    def added(self, first: int) -> None:
        self._use("added")
        self.engine.added(first)

    def passing(self, text: bytes) -> Any:
        self._use("passing")
        return self.terms.passing(text)

    def boost(self, text: bytes) -> Any:
        self._use("boost")
        return self.terms.boost(text)

    def changed(self, slots: Any) -> None:
        self._use("changed")
        self.terms.changed(slots)

    def forget(self) -> None:
        self._use("forget")
        self.terms.forget()

    def texts(self) -> list[bytes]:
        return self.terms.texts()

    def scores(self) -> list[bytes]:
        return self.terms.scores()


def product(number: int, color: Any = "red") -> dict[str, Any]:
    return {"id": f"P{number}", "title": "x", "price": float(number), "attributes": {"color": color}}


def shop(count: int = 6) -> TwinCatalogue:
    catalogue = TwinCatalogue(tiny.SPACE)
    for number in range(count):
        catalogue.upsert(product(number, ["red", "blue"][number % 2]), np.eye(tiny.SPACE.row_dim)[number])
    return catalogue


def on_card(catalogue: TwinCatalogue) -> tuple[Index, Card]:
    slots = index_of(catalogue).slots
    card = Card(slots)

    def step_down() -> tuple[Engine, Terms]:
        return ExactEngine(slots), HostTerms(slots)

    down = SteppingDown(card, card, step_down)
    return Index(slots, down, down), card


def place(index: Index) -> str:
    return "GPU" if index.on_gpu else "memory"


def ids(index: Index, text: bytes = b"", rank: bytes = b"") -> list[str]:
    query = np.arange(index.slots.row_dim, 0, -1, np.float32)[None]
    with index.reading() as state:
        (hits,) = state.search(query, [9], [state.passing(text)], [state.boost(rank)])
        return state.ids(hits)


@pytest.mark.parametrize("call", ["search", "passing", "boost"])
def test_a_search_that_the_gpu_fails_at_is_answered_from_main_memory(
    call: str, caplog: pytest.LogCaptureFixture
) -> None:
    index, card = on_card(shop())
    rank = b"similarity - 100 * price"
    before = ids(index, RED, rank)
    assert before == ["P0", "P2", "P4"]
    assert place(index) == "GPU"
    card.breaks_at = call
    with caplog.at_level(logging.ERROR):
        assert ids(index, RED, rank) == before
    assert place(index) == "memory"
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "the GPU failed and is not used any more: an illegal address" in caplog.text
    assert ids(index, RED, rank) == before
    assert len(caplog.records) == 1


@pytest.mark.parametrize("call", ["added", "changed", "forget"])
def test_a_change_that_the_gpu_fails_at_is_not_lost(call: str) -> None:
    catalogue = shop()
    catalogue.kinds |= {"color": "word", "size": "number"}
    catalogue.patch("P1", attributes={"color": "blue", "size": 3})
    index, card = on_card(catalogue)
    ids(index, RED)
    card.breaks_at, card.error = call, OutOfDeviceMemory("2 GB are needed, 1 GB is free")
    catalogue.upsert(product(7), np.ones(index.slots.row_dim) * 9)
    catalogue.delete("P2")
    catalogue.patch("P4", attributes={"color": "red", "size": "large"})
    catalogue.kinds["size"] = "word"
    index.apply(catalogue.changes(index.seq))
    assert ids(index, RED) == ["P7", "P0", "P4"]
    assert index.seq == catalogue.head
    assert not index.is_broken
    assert place(index) == "memory"


def test_what_was_said_to_the_gpu_is_said_again_to_main_memory() -> None:
    index, card = on_card(shop())
    query = np.ones((1, index.slots.row_dim), np.float32)
    with index.reading() as state:
        passing, boost = state.passing(RED), state.boost(b"similarity + price")
        card.is_lost = True
        (hits,) = state.search(query, [9], [passing], [boost])
        assert state.ids(hits) == ["P4", "P2", "P0"]


def test_engine_and_terms_change_together() -> None:
    """A search that began on the GPU while another stepped down goes on where that one went, with its terms."""
    index, card = on_card(shop())
    down = index.engine
    assert isinstance(down, SteppingDown)
    with index.reading() as state:
        said = state.passing(RED)
        real, query = card.search, np.ones((1, index.slots.row_dim), np.float32)

        def overtaken(queries: Any, counts: Sequence[int], passing: Sequence[Any], boosts: Any = None) -> list[Hits]:
            card.search = real  # type: ignore[method-assign]
            card.is_lost = True
            down.search(query, [9], [said])
            assert place(index) == "memory"
            return real(queries, counts, passing, boosts)

        card.search = overtaken  # type: ignore[method-assign]
        (hits,) = down.search(query, [9], [said])
        assert state.ids(hits) == ["P0", "P2", "P4"]


def test_what_is_kept_is_told_from_either_place() -> None:
    index, card = on_card(shop())
    rank = b"similarity + price"
    ids(index, RED, rank)
    assert (index.terms.texts(), index.terms.scores()) == ([RED], [rank])
    card.breaks_at = "search"
    ids(index, RED, rank)
    assert (index.terms.texts(), index.terms.scores()) == ([RED], [rank])


def test_a_filter_that_is_refused_is_no_failure_of_the_gpu() -> None:
    index, _ = on_card(shop())
    with pytest.raises(InvalidInput, match="unknown field"):
        ids(index, b'{"eq": ["colour", "red"]}')
    assert place(index) == "GPU"


class Tensor:
    """Queries on a GPU, which may be gone."""

    def __init__(self, fetch: Callable[[], Any]) -> None:
        self.fetch = fetch

    def cpu(self) -> Any:
        return self

    def numpy(self) -> Any:
        return self.fetch()


def lost() -> Any:
    raise RuntimeError("CUDA error: device-side assert triggered")


def test_queries_that_lay_on_the_gpu_are_fetched_or_refused() -> None:
    index, card = on_card(shop())
    card.is_lost = True
    rows = np.ones((1, index.slots.row_dim), np.float32)
    with index.reading() as state:
        passing = [state.passing(RED)]
        (hits,) = state.search(Tensor(lambda: rows), [1], passing)
        assert state.ids(hits) == ["P0"]
        with pytest.raises(DeviceLost, match="the queries lay on the GPU, which failed: CUDA error"):
            state.search(Tensor(lost), [1], passing)
        with pytest.raises(InvalidInput, match="not finite"):
            state.search(Tensor(lambda: rows * np.nan), [1], passing)


@pytest.mark.parametrize("call", ["search", "passing", "changed"])
def test_nothing_holds_what_failed_when_its_memory_is_released(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = shop()
    index, card = on_card(catalogue)
    failed, held = weakref.ref(card), list[bool]()
    card.breaks_at = call
    card.error = DeviceLost("an illegal address")

    def look() -> None:
        gc.collect()
        held.append(failed() is not None)

    monkeypatch.setattr("ensemble.index.stepping.release", look)
    del card
    query = np.eye(tiny.SPACE.row_dim, dtype=np.float32)[:1]
    if call == "changed":
        catalogue.upsert(product(9), np.ones(tiny.SPACE.row_dim))
        index.apply(catalogue.changes(index.seq))
    else:
        index.search(query, [1])
    assert not index.on_gpu
    # Until the request ends, its filters are those of the terms that failed, which are the engine here.
    assert held == [call == "search"]
