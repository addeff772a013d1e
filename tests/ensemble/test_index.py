from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ensemble.errors import DamagedRelease
from ensemble.index import ExactEngine, IndexBuilder, Slots, load
from ensemble.settings import SpaceSettings
from tests import tiny

SPACE = SpaceSettings("space-a", 3, 3)


def slots_of(vectors: NDArray[np.float32], valid: NDArray[np.bool_] | None = None) -> Slots:
    space = SpaceSettings("space-a", 1, vectors.shape[1] - 1)
    builder = IndexBuilder(space)
    builder.add([{"id": f"P{n}", "attributes": {}} for n in range(len(vectors))], vectors)
    slots = builder.build()
    return slots if valid is None else replace(slots, valid=valid)


def by_hand(slots: Slots, query: NDArray[np.float32], count: int, mask: NDArray[np.bool_]) -> list[int]:
    scores = [(-float(row.astype(np.float64) @ query), slot) for slot, row in enumerate(slots.vectors)]
    return [slot for _, slot in sorted(pair for pair in scores if mask[pair[1]])[:count]]


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000),
    rows=st.integers(1, 60),
    count=st.integers(1, 70),
    share=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_exact_engine_finds_what_sorting_finds(seed: int, rows: int, count: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (rows, 4)).astype(np.float32)  # small integers: many exact ties
    slots = slots_of(vectors, rng.random(rows) < 0.9)
    queries = rng.normal(size=(3, 4)).astype(np.float32)
    masks = [None, rng.random(rows) < share, np.ones(rows, np.bool_)]
    for query, mask, hits in zip(queries, masks, ExactEngine(slots).search(queries, [count] * 3, masks), strict=True):
        allowed = slots.valid if mask is None else slots.valid & mask
        assert hits.slots.tolist() == by_hand(slots, query, count, allowed)
        np.testing.assert_allclose(hits.scores, slots.vectors[hits.slots] @ query, atol=1e-5)


def test_an_answer_does_not_depend_on_its_batch() -> None:
    rng = np.random.default_rng(5)
    vectors = np.repeat(rng.normal(size=(200, 64)), 3, axis=0).astype(np.float32)  # every row three times: ties
    engine = ExactEngine(slots_of(vectors))
    queries = rng.normal(size=(33, 64)).astype(np.float32)
    together = engine.search(queries, [10] * 33, [None] * 33)
    for number, query in enumerate(queries):
        (alone,) = engine.search(query[None], [10], [None])
        assert alone.slots.tolist() == together[number].slots.tolist()
        assert alone.scores.tolist() == together[number].scores.tolist()


def test_a_query_that_ties_everywhere_gives_the_first_slots() -> None:
    vectors = np.random.default_rng(6).normal(size=(3_000, 8)).astype(np.float32)
    (hits,) = ExactEngine(slots_of(vectors)).search(np.zeros((1, 8), np.float32), [5], [None])
    assert hits.slots.tolist() == [0, 1, 2, 3, 4]


def test_empty_index_finds_nothing() -> None:
    (hits,) = ExactEngine(slots_of(np.empty((0, 4), np.float32))).search(np.ones((1, 4), np.float32), [5], [None])
    assert hits.slots.tolist() == []


def test_builder_refuses_wrong_shapes_and_values() -> None:
    builder = IndexBuilder(SPACE)
    with pytest.raises(ValueError, match=r"rows of shape \(1, 6\) expected, got \(1, 5\)"):
        builder.add([{"id": "a"}], np.ones((1, 5), np.float32))
    with pytest.raises(ValueError, match="product 'a' holds a value that is not finite"):
        builder.add([{"id": "a"}], np.full((1, 6), np.nan, np.float32))


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    builder = IndexBuilder(SPACE)
    rows = tiny.products(12)
    builder.add(rows, np.random.default_rng(3).normal(size=(12, 6)).astype(np.float32))
    builder.save(tmp_path)
    return tmp_path


def test_snapshot_round_trip(snapshot: Path) -> None:
    slots = load(snapshot, space_id="space-a")
    assert [slots.product(slot) for slot in range(12)] == tiny.products(12)
    assert slots.ids(np.array([3, 0])) == ["P003", "P000"]
    assert slots.columns["price"].kind == "number"
    assert isinstance(slots.vectors.base, np.memmap)
    np.testing.assert_array_equal(slots.vectors, np.random.default_rng(3).normal(size=(12, 6)).astype(np.float32))


def test_a_process_of_another_locale_reads_the_same_words(tmp_path: Path) -> None:
    """Triton starts its models where text is ASCII unless said otherwise."""
    builder = IndexBuilder(SPACE)
    builder.add([{"id": "Käse", "title": "Jalapeño 5°", "attributes": {"maker": "Łódź"}}], np.ones((1, 6), np.float32))
    builder.save(tmp_path)
    code = "import sys; from ensemble.index import load; load(__import__('pathlib').Path(sys.argv[1]))"
    environment = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)


def test_another_space_is_refused(snapshot: Path) -> None:
    with pytest.raises(DamagedRelease, match="an index of space space-a, but queries are of space space-b"):
        load(snapshot, space_id="space-b")


@pytest.mark.parametrize("name", ["vectors.npy", "offsets.npy", "column_0.npy"])
def test_damage_is_named(snapshot: Path, name: str) -> None:
    data = bytearray((snapshot / name).read_bytes())
    data[-1] ^= 1
    (snapshot / name).write_bytes(data)
    with pytest.raises(DamagedRelease, match=f"{name}: altered"):
        load(snapshot)
    (snapshot / name).unlink()
    with pytest.raises(DamagedRelease, match=f"{name}: missing"):
        load(snapshot)


def test_a_header_of_another_format_is_refused(snapshot: Path) -> None:
    header: dict[str, Any] = json.loads((snapshot / "index.json").read_text())
    (snapshot / "index.json").write_text(json.dumps(header | {"format": 99}))
    with pytest.raises(DamagedRelease, match="format 99; this version reads 1"):
        load(snapshot)
    (snapshot / "index.json").write_text("{")
    with pytest.raises(DamagedRelease, match=r"index\.json: cannot be read"):
        load(snapshot)
