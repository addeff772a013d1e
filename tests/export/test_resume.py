"""Releases that break off: what serves stays, and the next try takes up what was finished and still holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ensemble.release import Manifest
from export import release
from export.errors import GateFailed
from export.kept import FOLDER as KEPT
from tests.export import small
from tests.export.conftest import Make
from tests.export.stores import tree
from tests.export.watching import Watch, resumed, untimed, without

# One recipe, so that it is not by chance which candidate serves.
PRECISION = "fp16"
# What is never kept, since it takes a moment.
LAST = ["index", "index", "probe", "commit"]
ALL = {"towers": True, "check": True, "precision": True, "embed": True, "recommender": True}

# What is left where a gate judges again.
MOST = {name: True for name in ALL if name != "precision"}


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


# Where a release breaks off, and what it did until then that was not done before.
STAGES = (
    ("cases text", ["load text", "load vision"]),
    (
        "make vision",
        ["load text", "cases text", "check text", "load vision", "check vision", "make text", "judge text"],
    ),
    ("judge vision", ["make vision", "load vision"]),
    ("embed", ["load vision", "judge vision"]),
    ("index", ["embed"]),
    ("probe", ["index", "index"]),
    ("commit", ["index", "index", "probe"]),
)


@pytest.fixture(scope="module")
def uninterrupted(store: Path, make_small: Make, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The release that is to come of all tries, made in one."""
    whole = Path(shutil.copytree(store, tmp_path_factory.mktemp("whole") / "var"))
    return make_small(whole, precision=PRECISION)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError("power"), marks=pytest.mark.slow, id="error"),
        pytest.param(KeyboardInterrupt(), id="ctrl-c"),
    ],
)
def test_each_try_takes_up_where_the_one_before_broke_off(
    copy: Path, make_small: Make, uninterrupted: Manifest, watch: Watch, error: BaseException
) -> None:
    before = tree(copy)
    for call, done in STAGES:
        watch.break_off(call, error)
        with pytest.raises(type(error)):
            make_small(copy, precision=PRECISION)
        assert tree(copy) == before, call
        assert not (copy / ".export").exists()
        assert watch.calls == done, call
    watch.go_on()
    made = make_small(copy, precision=PRECISION)
    assert watch.calls == LAST
    assert resumed(made) == ALL
    assert untimed(made) == untimed(uninterrupted)
    assert resumed(uninterrupted) == {}
    assert made.damaged(copy) == ()
    assert not (copy / KEPT).exists()


@pytest.fixture(scope="module")
def broken_off(make_small: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store without a release, of which one broke off when it was all but whole; not to be changed."""
    folder = tmp_path_factory.mktemp("broken_off") / "var"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "move_models", small.breaking_off(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            make_small(folder, precision=PRECISION)
    return folder


# Given a folder of its own and the towers file: how the order differs.
Change = Callable[[Path, Path], dict[str, Any]]
Remake = Callable[[Path, Change, Path], Manifest]


def nothing(folder: Path, towers: Path) -> dict[str, Any]:
    return {}


def a_bound(folder: Path, towers: Path) -> dict[str, Any]:
    return {"towers": small.towers_with(towers, "bound", "\n[gate.fp16]\ncosine_min = 0.99\n")}


def queries(folder: Path, towers: Path) -> dict[str, Any]:
    path = folder / "queries.jsonl"
    path.write_text('{"text": "red mug", "products": ["P001"]}\n')
    return {"queries": path}


def a_product(folder: Path, towers: Path) -> dict[str, Any]:
    rows = small.products()
    rows[1]["title"] = "mug mug mug"
    return {"catalogue": small.write_shop(folder, rows)}


def a_picture(folder: Path, towers: Path) -> dict[str, Any]:
    path = small.write_shop(folder, small.products())
    shutil.copyfile(folder / small.PICTURES / "1.png", folder / small.PICTURES / "2.png")
    return {"catalogue": path}


def the_vision_tower(folder: Path, towers: Path) -> dict[str, Any]:
    path = towers.with_name("other.toml")
    path.write_text(towers.read_text().replace('"vision.onnx"', '"other.onnx"'))
    model = onnx.load(towers.with_name("vision.onnx"))
    (weights,) = [one for one in model.graph.initializer if one.name == "c0"]
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights) * np.float32(0.9), "c0"))
    onnx.save(model, towers.with_name("other.onnx"))
    return {"towers": path}


@pytest.fixture
def remake(make_small: Make, small_towers: Path) -> Remake:
    """Makes the release again, changed."""
    return lambda store, change, folder: make_small(store, precision=PRECISION, **change(folder, small_towers))


JUDGED = ["load text", "judge text", "load vision", "judge vision"]
CHECKED = ["load text", "cases text", "check text", "load vision", "check vision"]
MADE = ["make text", "judge text", "make vision", "judge vision"]


@pytest.mark.parametrize(
    ("change", "again", "kept"),
    [
        (nothing, [], ALL),
        (a_bound, JUDGED, MOST),
        (queries, JUDGED, MOST),
        (a_product, [*CHECKED, *MADE, "embed"], {"towers": True}),
        (a_picture, [*CHECKED, *MADE, "embed"], {"towers": True}),
        (
            the_vision_tower,
            ["load vision", "check vision", "load text", "judge text", "make vision", "judge vision", "embed"],
            {},
        ),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_only_what_follows_from_a_change_is_done_again(
    broken_off: Path,
    remake: Remake,
    watch: Watch,
    tmp_path: Path,
    change: Change,
    again: list[str],
    kept: dict[str, object],
) -> None:
    store = Path(shutil.copytree(broken_off, tmp_path / "var"))
    made = remake(store, change, tmp_path)
    assert watch.calls == [*again, *LAST]
    assert resumed(made) == kept


def test_other_columns_of_the_same_file_are_other_products(make_small: Make, watch: Watch, tmp_path: Path) -> None:
    rows = [row | {"name": row["title"].split()[0]} for row in small.products()]
    catalogue = small.write_shop(tmp_path, rows)
    (tmp_path / "columns.toml").write_text('[columns]\ntitle = "name"\n')
    watch.break_off("commit", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        make_small(tmp_path / "var", catalogue=catalogue)
    watch.go_on()
    made = make_small(tmp_path / "var", catalogue=catalogue, columns=tmp_path / "columns.toml")
    assert "embed" in watch.calls
    fresh = make_small(tmp_path / "other", catalogue=catalogue, columns=tmp_path / "columns.toml")
    assert untimed(made) == untimed(fresh)


def test_a_damaged_result_is_not_served(broken_off: Path, make_small: Make, watch: Watch, tmp_path: Path) -> None:
    store = Path(shutil.copytree(broken_off, tmp_path / "var"))
    (graph,) = store.glob(f"{KEPT}/candidates.vision_tower-*/fp16-islands.onnx")
    graph.write_bytes(graph.read_bytes()[:-100])
    made = make_small(store, precision=PRECISION)
    assert watch.calls == ["make vision", *LAST]
    assert made.damaged(store) == ()
    assert resumed(made) == MOST


def test_what_was_judged_is_told_as_it_was_judged(broken_off: Path, make_small: Make, tmp_path: Path) -> None:
    store = Path(shutil.copytree(broken_off, tmp_path / "var"))
    judged = {
        name: json.loads(next(store.glob(f"{KEPT}/gate.{name}_tower-*/verdicts.json")).read_text())
        for name in ("text", "vision")
    }
    made = make_small(store, precision=PRECISION)
    for name, tower in made.towers.items():
        assert tower["candidates"] == [without(one, "cosines") for one in judged[name]]


def test_a_failed_gate_is_resumed_when_it_may_fall_back(
    make_small: Make, small_towers: Path, watch: Watch, tmp_path: Path
) -> None:
    towers = small.towers_with(small_towers, "hopeless", "\n[gate.fp16]\ncosine_min = 1.0\n")
    with pytest.raises(GateFailed):
        make_small(tmp_path / "var", precision=PRECISION, towers=towers)
    watch.go_on()
    made = make_small(tmp_path / "var", precision=PRECISION, towers=towers, allow_precision=True)
    assert watch.calls == ["embed", *LAST]
    assert {tower["chosen"] for tower in made.towers.values()} == {"fp32"}
