"""Results of finished steps: taken again only where nothing changed and nothing is damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from export.identity import versions
from export.kept import HASHES, PACKAGES, Kept, code

INPUTS: dict[str, Any] = {"catalogue": "ab12", "bounds": {"int8": {"cosine_p01": 0.98}}}
STEP = "candidates.text_tower"


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "kept", {"onnxruntime": "1.31", "export": "c0de"})


def writer(text: str = "rows") -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "inside").mkdir()
        (folder / "inside" / "rows.txt").write_text(text)
        (folder / "list.json").write_text("[]")

    return make


def never(folder: Path) -> None:
    raise AssertionError(f"{folder} was made again")


def test_the_same_inputs_are_not_worked_on_twice(kept: Kept) -> None:
    first = kept.step(STEP, INPUTS, writer())
    again = Kept(kept.root, dict(kept.base)).step(STEP, dict(reversed(INPUTS.items())), never)
    assert (first.resumed, again.resumed) == (False, True)
    assert again.folder == first.folder
    assert (again.folder / "inside" / "rows.txt").read_text() == "rows"


@pytest.mark.parametrize(
    "change",
    [
        {"catalogue": "ab13"},
        {"bounds": {"int8": {"cosine_p01": 0.99}}},
        {"bounds": {"fp16": {"cosine_p01": 0.98}}},
        {"queries": ""},
    ],
    ids=str,
)
def test_another_input_is_another_result(kept: Kept, change: dict[str, Any]) -> None:
    kept.step(STEP, INPUTS, writer("before"))
    result = kept.step(STEP, INPUTS | change, writer("after"))
    assert not result.resumed
    assert (result.folder / "inside" / "rows.txt").read_text() == "after"
    assert (kept.step(STEP, INPUTS, never).folder / "inside" / "rows.txt").read_text() == "before"


@pytest.mark.parametrize("base", [{"onnxruntime": "1.32", "export": "c0de"}, {"onnxruntime": "1.31", "export": "c0df"}])
def test_other_code_or_another_version_makes_everything_anew(kept: Kept, base: dict[str, str]) -> None:
    kept.step(STEP, INPUTS, writer())
    assert not replace(kept, base=base).step(STEP, INPUTS, writer()).resumed


def test_two_steps_with_the_same_inputs_do_not_share_a_result(kept: Kept) -> None:
    names = ("candidates.text_tower", "candidates.vision_tower", "gate.text_tower", "gate.text")
    folders = {kept.step(name, INPUTS, writer(name)).folder for name in names}
    assert len(folders) == len(names)
    for name in names:
        assert (kept.step(name, INPUTS, never).folder / "inside" / "rows.txt").read_text() == name


def cut_short(folder: Path) -> None:
    (folder / "inside" / "rows.txt").write_text("row")


def lost(folder: Path) -> None:
    (folder / "list.json").unlink()


def added(folder: Path) -> None:
    (folder / "inside" / "more.txt").touch()


def moved(folder: Path) -> None:
    (folder / "inside" / "rows.txt").rename(folder / "rows.txt")


def without_hashes(folder: Path) -> None:
    (folder / HASHES).unlink()


def half_hashes(folder: Path) -> None:
    (folder / HASHES).write_text((folder / HASHES).read_text()[:-20])


def other_hashes(folder: Path) -> None:
    (folder / HASHES).write_text("{}")


@pytest.mark.parametrize(
    "damage", [cut_short, lost, added, moved, without_hashes, half_hashes, other_hashes], ids=lambda one: one.__name__
)
def test_a_damaged_result_is_made_anew(kept: Kept, damage: Callable[[Path], None]) -> None:
    folder = kept.step(STEP, INPUTS, writer()).folder
    damage(folder)
    result = kept.step(STEP, INPUTS, writer())
    assert not result.resumed
    assert sorted(path.name for path in folder.rglob("*")) == [HASHES, "inside", "list.json", "rows.txt"]
    assert (folder / "inside" / "rows.txt").read_text() == "rows"
    assert kept.step(STEP, INPUTS, never).resumed


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_what_breaks_off_is_not_taken_for_whole(kept: Kept, error: BaseException) -> None:
    def break_off(folder: Path) -> None:
        writer("half")(folder)
        raise error

    with pytest.raises(type(error)):
        kept.step(STEP, INPUTS, break_off)
    assert not list(kept.root.glob(f"*/{HASHES}"))
    result = kept.step(STEP, INPUTS, writer())
    assert not result.resumed
    assert (result.folder / "inside" / "rows.txt").read_text() == "rows"
    assert [path.name for path in kept.root.iterdir()] == [result.folder.name]


def test_what_a_killed_export_left_half_written_is_not_built_upon(kept: Kept) -> None:
    folder = kept.step(STEP, INPUTS, writer()).folder
    folder.rename(partial := folder.with_name(f"{folder.name}.part"))
    (partial / "left_over").touch()
    result = kept.step(STEP, INPUTS, writer())
    assert not result.resumed
    assert not (folder / "left_over").exists()
    assert not partial.exists()


def test_a_step_that_breaks_off_spares_the_others(kept: Kept) -> None:
    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    kept.step(STEP, INPUTS, writer())
    with pytest.raises(KeyboardInterrupt):
        kept.step("gate.text_tower", INPUTS, interrupt)
    assert kept.step(STEP, INPUTS, never).resumed


def test_clear_leaves_nothing(kept: Kept) -> None:
    kept.clear()
    kept.step(STEP, INPUTS, writer())
    kept.clear()
    assert not kept.root.exists()
    assert not kept.step(STEP, INPUTS, writer()).resumed


def test_code_and_versions_name_what_results_follow_from() -> None:
    assert code() == code()
    assert set(code()) == set(PACKAGES)
    assert len(set(code().values())) == len(PACKAGES)
    assert {"python", "onnx", "onnxruntime", "torch"} <= set(versions())
