"""The GPU engine: the answers of the exact engine, for any rows, filters and business scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ensemble.errors import InvalidInput
from ensemble.index import ExactEngine, Passing
from ensemble.index.gpu import engine as gpu_engine
from ensemble.index.gpu import rescoring, rows
from ensemble.index.gpu.errors import OutOfDeviceMemory
from tests.ensemble.clustered import clustered
from tests.ensemble.gpu.opened import append, check, dyadic, indexed, open_gpu

FILTERS = [b"", b'{"range": ["price", 3, null]}', b'{"eq": ["price", 2]}', b'{"eq": ["price", 99]}']
RANKS = [b"", b"similarity + 0.5 * price", b"2 * similarity - price"]
row_types = st.sampled_from(["float16", "int8"])


# The interpreter takes some 10 ms a program: an example that fails is not made smaller.
@settings(deadline=None, max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    seed=st.integers(0, 10_000),
    base=st.sampled_from([0, 1, 63, 255, 256, 300]),
    tail=st.sampled_from([0, 1, 65]),
    dim=st.sampled_from([8, 40]),
    asked=st.lists(
        st.tuples(st.sampled_from([1, 2, 10, 1_000]), st.sampled_from(FILTERS), st.sampled_from(RANKS)),
        min_size=1,
        max_size=3,
    ),
    row_type=row_types,
)
def test_as_the_exact_engine(seed: int, base: int, tail: int, dim: int, asked: Any, row_type: Any) -> None:
    rng = np.random.default_rng(seed)
    slots = indexed(dyadic(rng, base + tail, dim), base)
    counts, filters, ranks = (list(part) for part in zip(*asked, strict=True))
    check(open_gpu(slots, rows=row_type), slots, dyadic(rng, len(counts), dim), counts, filters, ranks)


@pytest.mark.parametrize("row_type", ["float16", "int8"])
def test_more_bins_than_are_scored_at_once(row_type: Any) -> None:
    rng = np.random.default_rng(1)
    slots = indexed(dyadic(rng, 1_000, 16), 700)
    check(open_gpu(slots, rows=row_type), slots, dyadic(rng, 2, 16), [1, 2], [b"", FILTERS[1]], [b"", RANKS[1]])


def test_equal_rows_are_told_apart_by_slot_in_a_second_round() -> None:
    slots = indexed(np.full((800, 8), 0.25, np.float32), 600)
    (hits,) = check(open_gpu(slots), slots, np.full((1, 8), 0.3, np.float32), [3])
    assert hits.slots.tolist() == [0, 1, 2]


@pytest.mark.slow
def test_ten_thousand_equal_rows() -> None:
    slots = indexed(np.full((10_000, 8), 0.25, np.float32), 9_000)
    check(open_gpu(slots), slots, np.full((2, 8), 0.3, np.float32), [10, 100], [b"", FILTERS[1]])


def test_scores_are_found_again_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = indexed(np.full((700, 8), 0.25, np.float32), 700)
    pair = open_gpu(slots)
    monkeypatch.setattr(rescoring, "SCORES_AT_ONCE", 3 * 64)
    check(pair, slots, np.full((1, 8), 0.3, np.float32), [200])


@pytest.mark.parametrize("count", [0, 1])
def test_few_rows(count: int) -> None:
    slots = indexed(np.ones((count, 8), np.float32), 0)
    found = check(open_gpu(slots), slots, np.ones((2, 8), np.float32), [1, 5])
    assert [len(hits.slots) for hits in found] == [count, count]


def test_no_queries() -> None:
    slots = indexed(np.ones((3, 8), np.float32), 3)
    assert check(open_gpu(slots), slots, np.empty((0, 8), np.float32), []) == []


@pytest.mark.parametrize("batch", [17, pytest.param(65, marks=pytest.mark.slow)])
def test_batches_of_several_blocks(batch: int) -> None:
    rng = np.random.default_rng(2)
    slots = indexed(dyadic(rng, 50, 8), 50)
    filters = [FILTERS[number % 3] for number in range(batch)]
    check(open_gpu(slots), slots, dyadic(rng, batch, 8), [3] * batch, filters)


def test_large_batches_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    slots = indexed(dyadic(rng, 50, 8), 30)
    monkeypatch.setattr(gpu_engine, "MOST_QUERIES", 2)
    check(open_gpu(slots), slots, dyadic(rng, 5, 8), [1, 2, 3, 4, 5], [FILTERS[number % 4] for number in range(5)])


@pytest.mark.parametrize("options", [{}, {"rows": "int8"}, {"rows": "int8", "rescore_rows": "host"}])
def test_rows_that_come_later(options: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LEAST_TAIL", 256)
    rng = np.random.default_rng(4)
    slots = indexed(dyadic(rng, 100, 8), 100)
    engine, terms = open_gpu(slots, **options)
    before = engine.rows.device_bytes
    for count in (1, 300):
        first = len(slots)
        append(slots, dyadic(rng, count, 8))
        engine.added(first)
        terms.changed(np.arange(first, len(slots)))
        check((engine, terms), slots, dyadic(rng, 1, 8), [5])
    assert engine.rows.device_bytes > before


@pytest.mark.slow
def test_recall_of_int8_rows_in_clusters() -> None:
    vectors = clustered(5_000, 5)
    slots = indexed(vectors, 4_500)
    engine, terms = open_gpu(slots, rows="int8")
    queries = clustered(12, 6)
    found = engine.search(queries, [10] * 12, [terms.passing(b"")] * 12)
    right = ExactEngine(slots).search(queries, [10] * 12, [Passing.of(slots.valid)] * 12)
    hits = [np.isin(true.slots, one.slots).mean() for one, true in zip(found, right, strict=True)]
    assert np.mean(hits) >= 0.999


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_query_that_is_not_finite_is_refused_by_its_position(bad: float, as_tensor: bool) -> None:
    slots = indexed(np.ones((3, 8), np.float32), 3)
    engine, terms = open_gpu(slots)
    queries: Any = np.ones((3, 8), np.float32)
    queries[1, 5] = bad
    with pytest.raises(InvalidInput, match=r"query\[1\]: NaN or infinity"):
        engine.search(torch.from_numpy(queries) if as_tensor else queries, [1] * 3, [terms.passing(b"")] * 3)


def test_a_query_that_is_too_long_is_refused() -> None:
    slots = indexed(np.ones((3, 8), np.float32), 3)
    engine, terms = open_gpu(slots)
    queries = np.ones((2, 8), np.float32)
    queries[1] = 1e30
    with pytest.raises(InvalidInput, match=r"query\[1\]"):
        engine.search(queries, [1] * 2, [terms.passing(b"")] * 2)


def test_one_long_row_needs_no_second_round_of_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(9)
    vectors = rng.normal(size=(1_000, 8)) / 8
    vectors[999] = 30_000, -30_000, 0, 0, 0, 0, 0, 0
    slots = indexed(vectors, 1_000)
    monkeypatch.setattr(gpu_engine, "second_round", lambda *_: pytest.fail("not proven"))
    check(open_gpu(slots), slots, np.ones((1, 8), np.float32), [3])


def test_a_query_that_is_not_finite_is_noticed_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a tensor cannot be looked at before: the kernel tells with the answer, also behind the first cut."""
    slots = indexed(np.ones((3, 8), np.float32), 3)
    engine, terms = open_gpu(slots)
    queries = torch.ones(5, 8)
    queries[3, 7] = float("nan")
    monkeypatch.setattr("ensemble.index.gpu.asking.check_finite", lambda _finite: None)
    monkeypatch.setattr(gpu_engine, "MOST_QUERIES", 2)
    with pytest.raises(InvalidInput, match=r"query\[3\]: NaN or infinity"):
        engine.search(queries, [1] * 5, [terms.passing(b"")] * 5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_queries_as_tensors(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(7)
    slots = indexed(dyadic(rng, 40, 8), 40)
    check(open_gpu(slots), slots, torch.from_numpy(dyadic(rng, 8, 2)).to(dtype).T, [3, 4])


class Lent:
    """Another library's tensor: nothing but DLPack, and an array for the exact engine."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self._tensor = tensor

    def __array__(self, dtype: Any = None) -> Any:
        return self._tensor.numpy().astype(dtype)

    def __dlpack__(self, **options: Any) -> Any:
        return self._tensor.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._tensor.__dlpack_device__()


def test_queries_by_dlpack() -> None:
    rng = np.random.default_rng(8)
    slots = indexed(dyadic(rng, 40, 8), 40)
    check(open_gpu(slots), slots, Lent(torch.from_numpy(dyadic(rng, 2, 8))), [3, 4])


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (np.ones((2, 9), np.float32), r"shape \(2, 9\); \(batch, 8\) is needed"),
        (np.ones((1, 8), np.float32), "1 queries, 2 counts"),
        (torch.ones(2, 8, dtype=torch.int32), "torch.int32; floating point"),
    ],
)
def test_other_shapes_and_types_are_refused(queries: Any, message: str) -> None:
    slots = indexed(np.ones((3, 8), np.float32), 3)
    engine, terms = open_gpu(slots)
    with pytest.raises(ValueError, match=message):
        engine.search(queries, [1, 1], [terms.passing(b"")] * 2)


def test_rows_that_are_not_finite_are_refused() -> None:
    slots = indexed(np.ones((3, 8), np.float32), 0)
    slots.tail[1, 1] = np.nan
    with pytest.raises(ValueError, match="rows from 0 to 2 of a segment: NaN"):
        open_gpu(slots)


def test_too_little_memory_is_said_with_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = indexed(np.ones((3, 8), np.float32), 3)
    engine, _ = open_gpu(slots)

    def zeros(*_: Any, **__: Any) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

    append(slots, np.ones((1, 8), np.float32))
    monkeypatch.setattr(torch, "zeros", zeros)
    with pytest.raises(OutOfDeviceMemory, match="room for 1,024 rows: 65,536 bytes of device memory needed"):
        engine.added(3)
