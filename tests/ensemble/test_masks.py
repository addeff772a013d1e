"""Filters over an index that changes, held to a plain reading of each expression at each sequence number."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ensemble.errors import InvalidInput
from ensemble.index import Filter, Index, Passing, engines, parse_filter
from ensemble.index.choice import EngineChoice, EngineName
from ensemble.index.filter_size import OPERATOR_BYTES
from ensemble.index.kept import LEAST_LOGGED, MOST_LOGGED
from ensemble.index.masks import ENTRY_BYTES, Masks
from tests.ensemble.journal_twin import TwinCatalogue, TwinIndex, index_of

NAMES = [f"P{number}" for number in range(8)]
CATEGORIES = ["", "Home", "Home/Lamps", "Homes", "Home/Lamps/Desk", "Sport"]
COLOURS = ["red", "green", "blue", "café", " red ", "green\u3000"]

values = st.fixed_dictionaries(
    {
        "category": st.sampled_from(CATEGORIES),
        "price": st.one_of(st.none(), st.integers(0, 20), st.floats(0, 20, width=32)),
        "available": st.booleans(),
        "attributes": st.fixed_dictionaries(
            {},
            optional={
                "color": st.sampled_from(COLOURS),
                "size": st.one_of(st.integers(0, 3), st.sampled_from([1.0, 2.5])),
                "new": st.booleans(),
                "mixed": st.one_of(st.integers(0, 2), st.booleans(), st.sampled_from(["0", "XL", " XL", "true"])),
            },
        ),
    }
)
steps = st.one_of(
    st.tuples(st.just("upsert"), st.sampled_from(NAMES), values, st.booleans()),
    st.tuples(st.just("delete"), st.sampled_from(NAMES)),
    st.tuples(st.just("apply")),
)
seeds = st.integers(0, 99)
leaves = st.one_of(
    st.builds(lambda word: {"eq": ["color", word]}, st.sampled_from([*COLOURS, "pink", "\ud800"])),
    st.builds(lambda flag: {"eq": ["available", flag]}, st.booleans()),
    st.builds(lambda flags: {"in": ["new", flags]}, st.lists(st.booleans(), max_size=2)),
    st.builds(lambda several: {"in": ["color", several]}, st.lists(st.sampled_from(COLOURS), max_size=4)),
    st.builds(lambda several: {"in": ["size", several]}, st.lists(st.integers(0, 3), max_size=4)),
    st.builds(lambda several: {"in": ["id", several]}, st.lists(st.sampled_from([*NAMES, "nobody"]), max_size=3)),
    st.builds(lambda word: {"eq": ["mixed", word]}, st.sampled_from(["0", "1", "XL", " XL ", "true"])),
    st.builds(lambda low: {"range": ["price", low, None]}, st.one_of(st.none(), st.integers(0, 20))),
    st.builds(lambda high: {"range": ["size", None, high]}, st.floats(0, 3)),
    st.builds(lambda path: {"under": ["category", path]}, st.sampled_from(["Home", "/Home/Lamps/", "Hom", "Garden"])),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"and": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"or": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=5,
)


def unslashed(expression: Any) -> Any:
    """The expression as the twin reads it: a category without slashes around it."""
    return json.loads(json.dumps(expression).replace('"/Home/Lamps/"', '"Home/Lamps"'))


def step(catalogue: TwinCatalogue, index: Index, rng: np.random.Generator, action: tuple[Any, ...]) -> None:
    if action[0] == "apply":
        index.apply(catalogue.changes(index.seq))
    elif action[0] == "delete":
        catalogue.delete(action[1])
    else:
        _, name, fields, with_row = action
        row = rng.normal(size=6).astype(np.float16) if with_row or name not in catalogue.now else None
        catalogue.upsert({"id": name, "title": name} | fields, row)


FIRST = 80


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A snapshot, with lists, of products in which every column has its kind, so that no filter is refused."""
    folder = tmp_path_factory.mktemp("started")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "ANN_FROM_ROWS", FIRST)
        start().index().save(folder)
    return folder


def start() -> TwinCatalogue:
    rng = np.random.default_rng(0)
    catalogue = TwinCatalogue()
    for number in range(FIRST):
        attributes = {"color": "red", "size": 1, "new": True, "mixed": "XL"} if number % 2 else {}
        catalogue.upsert({"id": f"S{number}", "title": "x", "attributes": attributes}, rng.normal(size=6))
    return catalogue


@pytest.mark.parametrize("engine", ["exact", "ann"])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps, max_size=30), texts=st.lists(expressions, min_size=1, max_size=4), seed=seeds)
def test_every_state_is_filtered_as_the_twin_does(
    started: Path, engine: EngineName, history: list[tuple[Any, ...]], texts: list[dict[str, Any]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    catalogue = start()
    index = Index.open(started, engine=EngineChoice(engine))
    twin = TwinIndex(catalogue)
    filters = [json.dumps(text).encode() for text in texts]
    for action in [*history, ("apply",)]:
        step(catalogue, index, rng, action)
        query = rng.normal(size=6).astype(np.float32)
        found = index.search(np.stack([query] * len(texts)), [5] * len(texts), filters)
        for text, hits in zip(texts, found, strict=True):
            assert index.slots.ids(hits.slots) == twin.search(index.seq, query, 5, unslashed(text))


def shop(count: int = 40) -> tuple[TwinCatalogue, Index]:
    catalogue = TwinCatalogue()
    for number in range(count):
        attributes = {"color": COLOURS[number % 3]}
        catalogue.upsert({"id": f"P{number}", "title": "x", "attributes": attributes}, np.full(6, number))
    return catalogue, index_of(catalogue)


def ids(index: Index, text: str) -> list[str]:
    return index.slots.ids(index.terms.passing(text.encode()).slots)


def test_words_that_come_later_are_found_by_filters_that_were_there_before() -> None:
    catalogue, index = shop(3)
    texts = ['{"eq": ["color", "pink"]}', '{"in": ["color", ["pink", "red"]]}', '{"under": ["category", "Home"]}']
    assert [ids(index, text) for text in texts] == [[], ["P0"], []]
    pink = {"id": "P2", "title": "x", "category": "Home/New", "attributes": {"color": "pink"}}
    catalogue.upsert(pink)
    catalogue.upsert(pink | {"id": "P9"}, np.ones(6))
    index.apply(catalogue.changes(index.seq))
    assert [ids(index, text) for text in texts] == [["P2", "P9"], ["P0", "P2", "P9"], ["P2", "P9"]]


def test_a_mask_is_brought_up_to_date_by_the_changed_slots_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue, index = shop()
    text = '{"eq": ["color", "red"]}'
    before = ids(index, text)
    asked: list[list[int]] = []
    real = Filter.mask

    def spy(self: Filter, columns: Any, slots: Any = None) -> Any:
        asked.append(slots.tolist())
        return real(self, columns, slots)

    monkeypatch.setattr(Filter, "mask", spy)
    assert ids(index, text) == before
    assert asked == []
    catalogue.delete(before[0])
    index.apply(catalogue.changes(index.seq))
    assert ids(index, text) == before[1:]
    assert asked == [[0]]


def test_too_many_changes_make_a_mask_anew() -> None:
    _, index = shop(8)
    text = '{"eq": ["color", "red"]}'
    assert ids(index, text) == ["P0", "P3", "P6"]
    color = index.slots.stored["color"]
    color.put(np.arange(8), np.roll(color.values, 1))
    for _ in range(3):  # the log forgets the first of these
        index.terms.changed(np.zeros(LEAST_LOGGED, np.int64))
    assert ids(index, text) == ["P1", "P4", "P7"]


def test_many_small_changes_make_a_mask_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    _, index = shop(8)
    text = '{"eq": ["color", "red"]}'
    ids(index, text)
    asked: list[Any] = []
    real = Filter.mask

    def spy(self: Filter, columns: Any, slots: Any = None) -> Any:
        asked.append(slots if slots is None else slots.tolist())
        return real(self, columns, slots)

    monkeypatch.setattr(Filter, "mask", spy)
    for count in (MOST_LOGGED, MOST_LOGGED + 1):
        for number in range(count):
            index.terms.changed(np.array([number % 4]))
        assert ids(index, text) == ["P0", "P3", "P6"]
    assert asked == [[0, 1, 2, 3], None]


def test_nothing_changed_is_no_change() -> None:
    _, index = shop(8)
    text = b'{"eq": ["color", "red"]}'
    before = index.terms.passing(text)
    for _ in range(2 * MOST_LOGGED):
        index.terms.changed(np.empty(0, np.int64))
    assert index.terms.passing(text) is before


def long_filter(number: int) -> bytes:
    """Another one for each number, with many comparisons."""
    parts: list[dict[str, Any]] = [{"range": ["price", number + place, None]} for place in range(200)]
    parts += [{"in": ["color", [f"{number} {place} \N{CAT FACE}" for place in range(50)]]}]  # of four bytes a character
    return json.dumps({"or": parts}, ensure_ascii=False).encode()


def memory_of(masks: Masks, texts: list[bytes]) -> int:
    """Bytes that are held more once the filters were asked for."""
    masks.passing(b"")
    gc.collect()
    tracemalloc.start()
    for text in texts:
        masks.passing(bytes(bytearray(text)))  # a copy, as each request brings
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def test_the_memory_of_long_filters_is_bounded() -> None:
    _, index = shop()
    masks = Masks(index.slots, kept_bytes=2**21)
    texts = [long_filter(number) for number in range(60)]
    parse_filter(texts[0], index.slots.columns)
    assert memory_of(masks, texts) <= 2**21
    assert 2 < len(masks.texts()) < len(texts)


def test_what_is_used_is_told_truly_after_changes() -> None:
    catalogue, index = shop()
    texts = [long_filter(0), long_filter(1), b'{"eq": ["color", "red"]}', b""]
    alone = Masks(index.slots)
    for number in range(3):
        for text in texts:
            alone.passing(text)
        catalogue.upsert({"id": f"Q{number}", "title": "x", "attributes": {"color": "red"}}, np.ones(6))
        index.apply(catalogue.changes(index.seq))
        alone.changed(np.arange(39, len(index.slots)))
    for text in texts:
        alone.passing(text)
    assert alone._used == sum(map(alone._size, alone._entries.values()))
    alone.forget()
    assert alone._used == 0


def test_memory_is_bounded_and_the_least_used_filter_goes() -> None:
    _, index = shop()
    masks = Masks(index.slots, kept_bytes=4 * (ENTRY_BYTES + OPERATOR_BYTES + 600))
    texts = [f'{{"range": ["price", {number}, null]}}'.encode() for number in range(4)]
    for text in texts[:3]:
        masks.passing(text)
    masks.passing(texts[0])
    masks.passing(texts[3])
    masks.passing(b"")
    assert texts[0] in masks.texts()
    assert texts[1] not in masks.texts()
    assert len(masks.texts()) <= 4


def test_refusals_are_not_kept() -> None:
    _, index = shop()
    with pytest.raises(InvalidInput):
        index.terms.passing(b"{")
    assert index.terms.texts() == []


def test_passing_changes_bit_by_bit() -> None:
    rng = np.random.default_rng(3)
    mask = rng.random(77) < 0.5
    passing = Passing.of(mask)
    for total in (77, 78, 90, 200):
        slots = np.unique(np.concatenate([rng.integers(0, total, 9), np.arange(len(mask), total)]))
        mask = np.concatenate([mask, np.zeros(total - len(mask), np.bool_)])
        mask[slots] = rng.random(len(slots)) < 0.5
        passing = passing.changed(slots, mask[slots], total)
        assert passing.slots.tolist() == np.flatnonzero(mask).tolist()
        assert passing.count == mask.sum()
        assert len(passing.bits) == (total + 7) // 8
