"""The scan alone: bins' maxima above the true ones by no more than the bound, for every cut and mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ensemble.index.gpu import quantizing
from ensemble.index.gpu.asked import Boosted, Selected
from ensemble.index.gpu.batch import Batch, prepared
from ensemble.index.gpu.kernels.scan import BIN
from ensemble.index.gpu.kernels.tiles import Tile
from ensemble.index.gpu.rows import DeviceRows
from ensemble.index.gpu.scan import scan
from tests.ensemble.gpu.opened import CPU, Floats, indexed

BASE, TAIL, DIM, QUERIES = 300, 70, 72, 3
TILES = [Tile(64, 16, 32, 4, 2, 2), Tile(128, 32, 64, 4, 3, 1), Tile(256, 16, 128, 8, 3, 2)]


def words_of(masks: Any) -> torch.Tensor:
    """``(filters, words)`` int32: a bit a place."""
    bits = np.packbits(np.pad(masks, ((0, 0), (0, -masks.shape[1] % 32))), axis=1, bitorder="little")
    return torch.from_numpy(bits.view(np.int32).copy())


def known(row_type: Any, seed: int) -> tuple[DeviceRows, Floats, Floats]:
    """Rows on the device, the same by place, and queries of very different lengths."""
    rng = np.random.default_rng(seed)
    slots = indexed(rng.normal(size=(BASE + TAIL, DIM)) * rng.choice([1e-3, 1, 30], (BASE + TAIL, 1)), BASE)
    rows = DeviceRows(slots, CPU, row_type=row_type)
    by_place = np.zeros((rows.places.start + rows.tail_rows, DIM), np.float32)
    by_place[rows.places.of_slots(np.arange(len(slots)))] = slots.rows(np.arange(len(slots)))
    scales = np.array([[1e-30], [1.0], [1e6]])
    return rows, by_place, (rng.normal(size=(QUERIES, DIM)) * scales).astype(np.float32)


def reaches(by_place: Floats) -> NDArray[np.float64]:
    """The largest norm of a row, by bin."""
    norms: NDArray[np.float64] = np.linalg.norm(by_place.astype(np.float64), axis=1)
    return np.asarray(norms.reshape(-1, BIN).max(axis=1))


@pytest.mark.parametrize("tile", TILES, ids=str)
@pytest.mark.parametrize("mode", [(1, 0, False), (3, 0, True), (1, 1, True), (3, 2, False)], ids=str)
def test_maxima_are_within_the_bound(tile: Tile, mode: tuple[int, int, bool]) -> None:
    filters, boost, skip = mode
    rows, by_place, queries = known("float16", 1)
    rng = np.random.default_rng(2)
    count = rows.places.count(rows.count)
    masks = rng.random((filters, count)) < 0.02
    masks[:, rows.places.base : rows.places.start] = False
    which = rng.integers(0, filters, QUERIES).astype(np.int32)
    values = rng.normal(size=(2, count)).astype(np.float32)
    numbers = np.array([0, 0, 0] if boost == 1 else [1, -1, 0], np.int32)
    boosted = Boosted(torch.from_numpy(values), torch.from_numpy(numbers)) if boost else None
    selected = Selected(words_of(masks), torch.from_numpy(which))
    batch = Batch(torch.from_numpy(queries), selected, boosted, is_filtered=skip, is_boosted_alike=boost == 1)
    ready = prepared(batch, rows, tile)
    maxima = scan(rows, batch, ready, tile).double().numpy()

    scores = queries.astype(np.float64) @ by_place.astype(np.float64)[:count].T
    if boost:
        scores += np.where(numbers[:, None] >= 0, values[numbers], 0)
    scores = np.where(masks[which], scores, -np.inf)
    padded = np.pad(scores, ((0, 0), (0, by_place.shape[0] - count)), constant_values=-np.inf)
    true = padded.reshape(QUERIES, -1, BIN).max(axis=2)
    assert maxima.shape == true.shape
    np.testing.assert_array_equal(np.isfinite(maxima), np.isfinite(true))
    held = np.isfinite(true)
    errors = (ready.errors.double().numpy()[:QUERIES, None] * reaches(by_place))[held]
    rounding = 2.0**-23 * np.abs(true[held]) + 1e-36
    assert (maxima[held] >= true[held].astype(np.float32)).all()
    assert (maxima[held] <= true[held] + 2 * errors + rounding).all()


def test_the_bound_is_of_use() -> None:
    """Far below the differences of scores, and smaller with a query in two halves."""
    rows, by_place, queries = known("float16", 3)
    selected = Selected(torch.zeros((1, 1), dtype=torch.int32), torch.zeros(QUERIES, dtype=torch.int32))
    batch = Batch(torch.from_numpy(queries), selected, None, is_filtered=False, is_boosted_alike=True)
    norms = np.linalg.norm(queries.astype(np.float64), axis=1)
    np.testing.assert_allclose(torch.cat([rows.base.reaches, rows.tail.reaches]).numpy()[:8], reaches(by_place)[:8])
    two, one = (prepared(batch, rows, Tile(64, 16, 32, 4, 2, halves)).errors.numpy()[:QUERIES] for halves in (2, 1))
    assert (two < 2e-5 * norms).all()
    assert (one < 5e-4 * norms).all()
    assert (two < one).all()


def test_int8_maxima_are_estimates_from_above() -> None:
    rows, by_place, queries = known("int8", 4)
    masks = np.ones((1, rows.places.count(rows.count)), np.bool_)
    masks[:, rows.places.base : rows.places.start] = False
    selected = Selected(words_of(masks), torch.zeros(QUERIES, dtype=torch.int32))
    batch = Batch(torch.from_numpy(queries), selected, None, is_filtered=False, is_boosted_alike=True)
    tile = Tile(128, 16, 64, 4, 3, 1)
    ready = prepared(batch, rows, tile)
    maxima = scan(rows, batch, ready, tile).double().numpy()
    scores = queries.astype(np.float64) @ by_place.astype(np.float64).T
    scores[:, rows.places.base : rows.places.start] = -np.inf
    scores[:, rows.places.count(rows.count) :] = -np.inf
    true = scores.reshape(QUERIES, -1, BIN).max(axis=2)
    held = np.isfinite(true)
    norms = np.linalg.norm(queries.astype(np.float64), axis=1)
    share = 2 * quantizing.SPREAD * norms / quantizing.LARGEST + 2 * ready.errors.double().numpy()[:QUERIES]
    assert (maxima >= true)[held].all()
    assert (maxima <= true + 1.01 * share[:, None] * reaches(by_place))[held].all()


def test_rows_of_8_bits() -> None:
    values = torch.tensor([[1.27, -0.635, 0.0], [0.0, 0.0, 0.0], [-3e-5, 1e-5, 0.0]])
    steps, scales = quantizing.quantized(values)
    assert steps.tolist() == [[127, -64, 0], [0, 0, 0], [-127, 42, 0]]
    torch.testing.assert_close(scales, torch.tensor([0.01, 0.0, 3e-5 / 127]))


@pytest.mark.parametrize("wrong", [{"rows": 32}, {"queries": 8}, {"halves": 3}, {"chunk": 48}, {"warps": 3}])
def test_no_tile_of_another_kind(wrong: dict[str, int]) -> None:
    sizes = {"rows": 128, "queries": 16, "chunk": 64, "warps": 4, "stages": 3, "halves": 2}
    with pytest.raises(ValueError, match="no tile can be of this kind"):
        Tile(**sizes | wrong)


@pytest.mark.parametrize(("dim", "chunk"), [(32, 32), (96, 32), (384, 128), (256, 128)])
def test_chunks_divide_rows(dim: int, chunk: int) -> None:
    assert Tile(128, 16, 128, 4, 3, 2).chunk_of(dim) == chunk
