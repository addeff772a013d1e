"""Getting ready: what was measured is kept, and taken again by the same GPU and compiler alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ensemble.index.gpu import choices as kept
from ensemble.index.gpu import tuning
from ensemble.index.gpu.choices import Choices, key_of
from ensemble.index.gpu.errors import DeviceLost, GpuError, KernelFailed
from ensemble.index.gpu.kernels.tiles import BATCHES, ROW_TYPES, Tile, bucket, candidates
from tests.ensemble.gpu.opened import CPU, dyadic, indexed, open_gpu

TILE = Tile(64, 16, 128, 4, 4, 2)


def test_buckets() -> None:
    assert [bucket(batch) for batch in (1, 16, 17, 64, 65, 256)] == [16, 16, 32, 64, 128, 256]


@pytest.mark.parametrize("row_type", ROW_TYPES)
@pytest.mark.parametrize("batch", BATCHES)
def test_candidates_differ_and_hold_no_more_than_a_batch(row_type: str, batch: int) -> None:
    tiles = candidates("int8" if row_type == "int8" else "float16", batch)
    assert len(tiles) == len(set(tiles)) >= 2
    assert all(tile.queries <= batch for tile in tiles)
    assert row_type == "float16" or all(tile.halves == 1 for tile in tiles)


def test_a_choice_is_kept(tmp_path: Path) -> None:
    rows = open_gpu(indexed(dyadic(np.random.default_rng(1), 40, 8), 40))[0].rows
    more = open_gpu(indexed(dyadic(np.random.default_rng(1), 64, 8), 40))[0].rows
    key = key_of(CPU, rows, 5)
    Choices(tmp_path / "new").put(key, TILE)
    assert Choices(tmp_path / "new").get(key) == TILE
    assert Choices(tmp_path / "new").get(key_of(CPU, rows, 17)) is None
    assert Choices(tmp_path / "new").get(key_of(CPU, more, 5)) is None
    assert [path.name for path in (tmp_path / "new").iterdir()] == [kept.FILE]
    assert "cpu, triton-lang 3" in key


@pytest.mark.parametrize("content", ["{", "[]", '{"KEY": {"rows": 1}}', '{"KEY": 3}', '{"KEY": {"rows": 32}}'])
def test_a_file_that_makes_no_sense_is_measured_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / kept.FILE).write_text(content, "utf-8")
    choices = Choices(tmp_path)
    assert choices.get("KEY") is None
    choices.put("KEY", TILE)
    assert Tile(**json.loads((tmp_path / kept.FILE).read_text("utf-8"))["KEY"]) == TILE


def test_a_folder_that_cannot_be_written_costs_no_choice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    choices = Choices(tmp_path / "file")
    choices.put("KEY", TILE)
    assert choices.get("KEY") == TILE
    assert "cannot be written, so that tiles are measured again" in caplog.text


def test_the_fastest_is_taken_and_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, terms = open_gpu(indexed(dyadic(np.random.default_rng(1), 40, 8), 40))
    tiles = candidates("float16", 1)
    times = {tiles[0]: 3.0, tiles[1]: 1.0, tiles[2]: 2.0}
    monkeypatch.setattr(tuning, "candidates", lambda *_: tiles[:3])
    monkeypatch.setattr(tuning, "_seconds", lambda engine, *_: times[engine.tile(1)])
    tuning.tune(engine, terms, [1], 2, tmp_path)
    assert engine.tile(16) == tiles[1]
    monkeypatch.setattr(tuning, "fastest", lambda *_: pytest.fail("measured again"))
    engine.tiles.clear()
    tuning.tune(engine, terms, [3], 2, tmp_path)
    assert engine.tile(1) == tiles[1]


@pytest.mark.parametrize("kind", [KernelFailed, DeviceLost])
def test_a_tile_that_cannot_be_run_is_left_out(kind: type[GpuError], monkeypatch: pytest.MonkeyPatch) -> None:
    engine, terms = open_gpu(indexed(dyadic(np.random.default_rng(2), 40, 8), 40))
    search = engine.search

    def failing(*arguments: object) -> object:
        if engine.tile(1) == candidates("float16", 1)[0]:
            raise kind("invalid argument")
        return search(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "candidates", lambda *_: candidates("float16", 1)[:2])
    monkeypatch.setattr(tuning, "TIMES", 1)
    monkeypatch.setattr(engine, "search", failing)
    assert tuning.fastest(engine, terms, 1, 2) == candidates("float16", 1)[1]
    monkeypatch.setattr(tuning, "candidates", lambda *_: candidates("float16", 1)[:1])
    with pytest.raises(KernelFailed, match=r"none of the tiles for 1 queries .*: invalid argument"):
        tuning.fastest(engine, terms, 1, 2)
    monkeypatch.setattr(tuning, "answers", lambda _device: False)
    with pytest.raises(kind, match=r"^invalid argument"):
        tuning.fastest(engine, terms, 1, 2)


def test_a_device_that_is_lost_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tuning.answers(CPU)

    def ones(*_: object, **__: object) -> torch.Tensor:
        raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch, "ones", ones)
    assert not tuning.answers(CPU)


def test_warming_asks_for_everything_once(tmp_path: Path) -> None:
    engine, _ = open_gpu(indexed(dyadic(np.random.default_rng(3), 40, 8), 30))
    engine.warm(range(1, 3), 5, tmp_path)
    assert engine.tiles == {}
    assert list(tmp_path.iterdir()) == []


def test_there_is_nothing_to_warm_without_rows() -> None:
    engine, _ = open_gpu(indexed(np.empty((0, 8), np.float32), 0))
    engine.warm([1], 5)
