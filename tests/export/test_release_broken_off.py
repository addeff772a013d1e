"""Releases of a tiny shop that fail or break off: the store stays as it was."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest

from ensemble.release import releases
from export import check, release, tower_steps
from export.errors import GateFailed, StoreBusy
from export.store import staging
from tests.export.conftest import Make
from tests.export.stores import break_off_moves, tree

# Where a release may break off: the function that it calls there, and the module that it calls it from.
STEPS = (
    (tower_steps, "text_cases"),
    *((release, name) for name in ("embed", "write_release_recommender", "make_probe", "make_manifest")),
    *((release, name) for name in ("move_models", "move_release")),
)


@pytest.mark.parametrize("step", STEPS, ids=[step for _, step in STEPS])
@pytest.mark.parametrize("error", [RuntimeError("power"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_a_release_that_breaks_off_leaves_the_store_as_it_was(
    copy: Path, make: Make, monkeypatch: pytest.MonkeyPatch, step: tuple[ModuleType, str], error: BaseException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    before = tree(copy)
    monkeypatch.setattr(*step, fail)
    with pytest.raises(type(error)):
        make(copy)
    assert tree(copy) == before
    assert not (copy / ".export").exists()
    monkeypatch.undo()
    assert make(copy).release == 2


@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_moves_that_break_off_anywhere_are_taken_back(
    copy: Path, make: Make, monkeypatch: pytest.MonkeyPatch, stride: int
) -> None:
    assert break_off_moves(copy, partial(make, copy), monkeypatch, stride) > 16


def test_a_gate_that_fails_leaves_nothing(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MAX_ABS_DIFF", -1.0)
    with pytest.raises(GateFailed, match="text_tower: max abs difference") as caught:
        make(tmp_path / "var")
    assert len(caught.value.worst) == 3
    assert tree(tmp_path / "var") == {}
    assert releases(tmp_path / "var") == []


def test_what_a_killed_export_left_is_cleared(copy: Path, make: Make) -> None:
    (copy / ".export" / "models").mkdir(parents=True)
    (copy / ".export" / "models" / "half.onnx").touch()
    shutil.copytree(copy / "models" / "text_tower" / "1", copy / "models" / "text_tower" / "2")
    (copy / "models" / "text_tower" / "2" / "left_over").touch()
    make(copy)
    assert not (copy / ".export").exists()
    assert not (copy / "models" / "text_tower" / "2" / "left_over").exists()


def test_two_exports_do_not_share_a_store(tmp_path: Path, make: Make) -> None:
    with staging(tmp_path), pytest.raises(StoreBusy, match="another export works here"):
        make(tmp_path)
