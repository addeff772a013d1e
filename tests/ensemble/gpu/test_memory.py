"""Searches and changes where the device's memory does not suffice for all at once."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from ensemble.index.gpu import asking, rounds
from ensemble.index.gpu import engine as gpu_engine
from ensemble.index.gpu.asked import Asked
from ensemble.index.gpu.errors import OutOfDeviceMemory
from ensemble.index.gpu.rows import DeviceRows
from ensemble.index.gpu.terms import GpuTerms
from tests.ensemble.gpu.opened import CPU, append, check, dyadic, indexed, open_gpu

FILTERS = [b"", b'{"range": ["price", 3, null]}', b'{"eq": ["price", 2]}', b'{"eq": ["price", 3]}']
RANKS = [b"", b"similarity + 0.5 * price", b"2 * similarity - price", b"similarity + price"]


def test_a_batch_that_is_too_large_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    slots = indexed(dyadic(rng, 50, 8), 30)
    pair, sizes = open_gpu(slots), list[int]()
    real = rounds.first_round

    def tight(rows: Any, batch: Any, *rest: Any) -> Any:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise OutOfDeviceMemory("full")
        return real(rows, batch, *rest)

    monkeypatch.setattr(gpu_engine, "first_round", tight)
    check(pair, slots, dyadic(rng, 5, 8), [1, 2, 3, 4, 5])
    assert sizes == [5, 2, 3, 1, 2]


def test_one_query_that_is_too_large_is_said_after_a_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = indexed(np.ones((3, 8), np.float32), 3)
    engine, terms = open_gpu(slots)
    asked = list[int]()

    def full(_rows: Any, batch: Any, *_: Any) -> Any:
        asked.append(terms._words.rows.nbytes)
        raise OutOfDeviceMemory("full")

    monkeypatch.setattr(gpu_engine, "first_round", full)
    with pytest.raises(OutOfDeviceMemory):
        engine.search(np.ones((1, 8), np.float32), [1], [terms.passing(b"")])
    assert len(asked) == 2
    assert terms._words.rows.nbytes > 0
    terms.release()
    assert terms._words.rows.nbytes == 0


def test_different_filters_and_scores_are_searched_in_parts() -> None:
    asked = [GpuTerms(indexed(np.ones((3, 8), np.float32), 3), CPU)]
    (terms,) = asked
    passing = [terms.passing(FILTERS[number]) for number in (0, 1, 0, 2, 2, 1)]
    boosts = [terms.boost(RANKS[number]) for number in (0, 1, 1, 1, 2, 3)]
    all_of_it = Asked(np.ones((6, 8), np.float32), [1, 2, 3, 4, 5, 6], passing, boosts)
    for most, expected in (
        ((10, 10, 10), [6]),
        ((4, 10, 10), [4, 2]),
        ((10, 2, 10), [3, 3]),
        ((10, 10, 1), [4, 1, 1]),
        ((1, 1, 1), [1] * 6),
    ):
        parts = list(all_of_it.parts(*most))
        assert [len(part) for part in parts] == expected
        assert [count for part in parts for count in part.counts] == all_of_it.counts
        assert [part.start for part in parts] == [part.counts[0] - 1 for part in parts]
    assert list(all_of_it.part(0, 0).parts(1, 1, 1)) == []


def test_little_room_for_filters_and_scores_changes_no_answer() -> None:
    rng = np.random.default_rng(2)
    slots = indexed(dyadic(rng, 50, 8), 30)
    terms = GpuTerms(slots, CPU, kept_bytes=1)
    engine = gpu_engine.GpuEngine(slots, terms, device=CPU)
    check((engine, terms), slots, dyadic(rng, 4, 8), [3] * 4, FILTERS, RANKS)
    assert len(terms._boosts.rows) == len(terms._words.rows) == 1


def test_a_second_look_finds_its_own_filter_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two rounds another search may have written its filter where that of the first lay."""
    slots = indexed(np.full((800, 8), 0.25, np.float32), 600)
    terms = GpuTerms(slots, CPU, kept_bytes=1)
    engine = gpu_engine.GpuEngine(slots, terms, device=CPU)
    real, looked = asking.check_finite, threading.Event()

    def meanwhile(*arguments: Any) -> None:
        real(*arguments)
        if not looked.is_set():
            looked.set()
            terms.words([terms.passing(FILTERS[3])])

    monkeypatch.setattr(gpu_engine, "check_finite", meanwhile)
    check((engine, terms), slots, np.full((1, 8), 0.3, np.float32), [3], [FILTERS[2]])
    assert looked.is_set()


def test_rows_are_copied_again_after_what_is_kept_was_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    slots = indexed(dyadic(rng, 30, 8), 30)
    engine, terms = open_gpu(slots)
    terms.words([terms.passing(b"")])
    real = DeviceRows.added

    def tight(self: DeviceRows, first: int) -> None:
        if len(terms._words.rows):
            raise OutOfDeviceMemory("full")
        real(self, first)

    monkeypatch.setattr(DeviceRows, "added", tight)
    append(slots, dyadic(rng, 5, 8))
    engine.added(30)
    terms.changed(np.arange(30, 35))
    check((engine, terms), slots, dyadic(rng, 1, 8), [5])
