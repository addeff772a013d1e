"""Filters on the device, held to those of main memory at every state of an index."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.errors import InvalidInput
from ensemble.index.gpu import columns as device_columns
from ensemble.index.gpu.errors import OutOfDeviceMemory
from ensemble.index.gpu.kernels.passing import BLOCK
from ensemble.index.gpu.terms import GpuTerms
from tests.ensemble.gpu.living import CPU, RED, check, expected, grown, living, selected
from tests.ensemble.journal_twin import TwinCatalogue
from tests.ensemble.test_masks import expressions, seeds, start, step, steps


@settings(deadline=None, max_examples=15)
@given(history=st.lists(steps, max_size=20), given=st.lists(expressions, min_size=1, max_size=4), seed=seeds)
def test_every_state_is_filtered_as_in_main_memory(
    history: list[tuple[Any, ...]], given: list[dict[str, Any]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    catalogue = start()
    index, terms = living(catalogue)
    texts = [b"", *(json.dumps(one).encode() for one in given)]
    for action in [*history, ("apply",)]:
        before = index.seq
        step(catalogue, index, rng, action)
        if action[0] == "apply" and index.seq != before:
            check(index, terms, *texts, texts[-1])
    check(index, terms, *texts[::-1])


def test_the_tail_outgrows_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_columns, "LEAST", 1)
    catalogue = start()
    index, terms = living(catalogue)
    rooms = {len(terms.columns.valid)}
    for number in range(3):
        grown(catalogue, 400 * number, 400)
        index.apply(catalogue.changes(index.seq))
        rooms.add(len(terms.columns.valid))
        check(index, terms, RED, b'{"in": ["id", ["S1", "N7", "N399", "N1199"]]}')
    assert len(rooms) > 1
    assert all(room % BLOCK == 0 for room in rooms)


def test_rows_that_are_not_there_yet_pass_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_columns, "LEAST", 1)
    index, terms = living(start())
    before = selected(terms, index.slots, [RED])
    index.slots._tail.stage(np.ones((3 * BLOCK, 6), np.float16))
    index.slots.extend(3 * BLOCK)
    assert selected(terms, index.slots, [RED]) == before


def test_a_large_change_is_copied_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_columns, "CHANGED_AT_ONCE", 7)
    monkeypatch.setattr(device_columns, "SLOTS_AT_ONCE", 13)
    catalogue = start()
    index, terms = living(catalogue)
    grown(catalogue, 0, 30)
    catalogue.delete("S3")
    catalogue.patch("S5", attributes={"color": "green"})
    index.apply(catalogue.changes(index.seq))
    check(index, terms, RED, b'{"eq": ["color", "green"]}')
    check(index, GpuTerms(index.slots, CPU), RED, b'{"eq": ["color", "green"]}')


def test_a_column_that_changes_its_kind_is_read_anew() -> None:
    catalogue = start()
    index, terms = living(catalogue)
    check(index, terms, b'{"range": ["size", 1, null]}')
    catalogue.patch("S1", attributes={"size": "XL"})
    index.apply(catalogue.changes(index.seq))
    check(index, terms, b'{"eq": ["size", "1"]}', b'{"in": ["size", ["XL", "1"]]}')
    with pytest.raises(InvalidInput, match="'size' is not a number"):
        terms.passing(b'{"range": ["size", 1, null]}')


def test_a_column_may_come_without_a_slot() -> None:
    catalogue = start()
    index, terms = living(catalogue)
    catalogue.upsert({"id": "later", "title": "no row yet", "attributes": {"weight": 3}})
    index.apply(catalogue.changes(index.seq))
    check(index, terms, b'{"range": ["weight", 1, null]}', b'{"not": {"eq": ["weight", 3]}}')
    catalogue.embed("later", np.ones(6))
    index.apply(catalogue.changes(index.seq))
    check(index, terms, b'{"range": ["weight", 1, null]}', b'{"not": {"eq": ["weight", 3]}}')


def test_words_that_come_later_are_found_by_filters_that_were_there_before() -> None:
    catalogue = start()
    index, terms = living(catalogue)
    texts = [b'{"eq": ["color", "pink"]}', b'{"under": ["category", "Home"]}', b'{"eq": ["id", "new"]}']
    assert selected(terms, index.slots, texts) == [[], [], []]
    pink = {"title": "x", "category": "Home/New", "attributes": {"color": "pink"}}
    catalogue.upsert(pink | {"id": "S2"})
    catalogue.upsert(pink | {"id": "new"}, np.ones(6))
    index.apply(catalogue.changes(index.seq))
    assert selected(terms, index.slots, texts) == [[2, 80], [2, 80], [80]]


def test_an_index_without_a_base_answers() -> None:
    slots = start().index().build()
    assert len(slots.base) == 0
    texts = [RED, b'{"eq": ["id", "S3"]}', b""]
    assert selected(GpuTerms(slots, CPU), slots, texts) == expected(slots, texts)


def test_an_empty_index_answers() -> None:
    catalogue = TwinCatalogue()
    index, terms = living(catalogue)
    assert selected(terms, index.slots, [b""]) == [[]]
    grown(catalogue, 0, 3)
    index.apply(catalogue.changes(index.seq))
    check(index, terms, b"", RED)


def test_a_device_that_is_full_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = start().index().build()

    def full(*_: Any, **__: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch, "full", full)
    with pytest.raises(OutOfDeviceMemory, match=r"columns of 1,024 products: .* bytes of device memory needed"):
        GpuTerms(slots, CPU)


@pytest.mark.parametrize("weighs", [False, True])
def test_columns_are_read_anew_where_there_is_no_room_beside_the_old_ones(
    weighs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More places, or one more column: the old matrix is given back before the new one is made."""
    monkeypatch.setattr(device_columns, "LEAST", 1)
    catalogue = start()
    index, terms = living(catalogue)
    real, refused = device_columns.DeviceColumns._missing, list[int]()

    def tight(self: device_columns.DeviceColumns, columns: int, room: int) -> tuple[torch.Tensor, torch.Tensor]:
        if len(self.values):
            refused.append(columns)
            raise OutOfDeviceMemory("full")
        return real(self, columns, room)

    monkeypatch.setattr(device_columns.DeviceColumns, "_missing", tight)
    if weighs:
        catalogue.patch("S1", attributes={"weight": 3})
    else:
        grown(catalogue, 0, 2 * BLOCK)
    index.apply(catalogue.changes(index.seq))
    assert refused
    texts = [RED, b'{"range": ["price", 1, null]}', *([b'{"eq": ["weight", 3]}'] if weighs else [])]
    check(index, terms, *texts)
