"""``python -m export tasks``: a release again with other task profiles, in which nothing else changes."""

from __future__ import annotations

import json
import os
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig
from typer.testing import CliRunner

from deploy.configs import parts, read_configs
from deploy.store import check_release, find_live, find_release
from deploy.view import View
from ensemble.recommending import still_recommender
from ensemble.release import Manifest, manifest_path, releases
from ensemble.tasks import BadProfiles
from export.cli import app
from export.errors import NoSuchRelease, StoreBusy
from export.recommending import again
from export.recommending.again import release_tasks
from export.store import staging
from tests.export.recommending.conftest import Frozen
from tests.export.recommending.test_folder import ask
from tests.export.stores import break_off_moves, tree

PROFILES = """
[similar]
task = "similar"
per_category = 1

[checkout]
task = "complement"
filter = { eq = ["available", true] }
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.toml"
    path.write_text(PROFILES)
    return path


@pytest.fixture
def copy(frozen: Frozen, tmp_path: Path) -> Path:
    """A store with one release, to be changed."""
    return Path(shutil.copytree(frozen.store, tmp_path / "var"))


def folder_of(store: Path, release: int) -> Path:
    return store / "models" / "recommender" / str(release)


def test_only_the_profiles_are_others(copy: Path, tasks: Path) -> None:
    before = Manifest.load(manifest_path(copy, 1))
    manifest = release_tasks(copy, tasks)
    assert (manifest.release, manifest.figures["from"], manifest.inputs["from"]["path"]) == (
        2,
        1,
        str(manifest_path(copy, 1)),
    )
    assert Manifest.load(manifest_path(copy, 2)) == manifest
    assert manifest.damaged(copy) == ()
    assert before.damaged(copy) == ()
    changed = {name for name, digest in manifest.outputs.items() if digest not in before.outputs.values()}
    changed -= {name for name in changed if re.fullmatch(r"releases/0002/models/\w+/config\.pbtxt", name)}
    assert changed == {"models/recommender/2/tasks.toml", "releases/0002/probe/probe.json"}
    assert len(manifest.outputs) == len(before.outputs)
    recommender = still_recommender(folder_of(copy, 2))
    assert list(recommender.shop.profiles.by_name) == ["similar", "checkout"]
    assert list(still_recommender(folder_of(copy, 1)).shop.profiles.by_name) == ["similar", "complement", "inspire"]
    categories = [json.loads(one)["category"] for one in ask(recommender, "P004", "similar", 4).found.documents[0]]  # type: ignore[index]
    assert len(set(categories)) == 4


def test_files_are_linked_and_what_is_written_is_not(copy: Path, tasks: Path) -> None:
    before = tree(copy)
    release_tasks(copy, tasks)
    for name in ("models/text_tower/{}/model.onnx", "models/recommender/{}/index/vectors.npy"):
        one, two = (copy / name.format(number) for number in (1, 2))
        assert one.samefile(two)
    assert not folder_of(copy, 2).joinpath("tasks.toml").samefile(folder_of(copy, 1) / "tasks.toml")
    after = tree(copy)
    assert {name for name, digest in before.items() if after[name] != digest} <= {
        f"models/{path.parent.name}/config.pbtxt" for path in (copy / "models").glob("*/config.pbtxt")
    }


def test_files_are_copied_where_there_are_no_links(copy: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def refused(source: Path, target: Path) -> None:
        if "replaced" not in Path(target).parts:  # what a store keeps aside while it moves a release into place
            raise PermissionError(1, "Operation not permitted")
        link(source, target)

    monkeypatch.setattr("os.link", refused)
    assert release_tasks(copy, tasks).damaged(copy) == ()
    one, two = (copy / f"models/text_tower/{number}/model.onnx" for number in (1, 2))
    assert not one.samefile(two)
    assert one.read_bytes() == two.read_bytes()


def test_the_baseline_and_the_probe_come_along(copy: Path, tasks: Path) -> None:
    release_tasks(copy, tasks)
    one, two = (copy / "releases" / number for number in ("0001", "0002"))
    assert sorted(path.name for path in (one / "baseline").iterdir()) == sorted(
        path.name for path in (two / "baseline").iterdir()
    )
    contents = [json.loads((folder / "probe" / "probe.json").read_text()) for folder in (one, two)]
    assert contents[0]["seq"] == contents[1]["seq"]
    assert contents[0]["requests"][:-1] == contents[1]["requests"][:-1]
    (first, second) = (content["requests"][-1] for content in contents)
    assert first["model"] == second["model"] == "recommend"
    assert first["inputs"]["PRODUCT_ID"] == second["inputs"]["PRODUCT_ID"]
    assert (two / "probe" / "probe.jpg").is_file()


def test_a_server_can_hold_both_and_answer_from_the_new_one(copy: Path, tasks: Path, tmp_path: Path) -> None:
    release_tasks(copy, tasks)
    assert find_live(copy).release == 2
    first, second = (find_release(copy, number) for number in (1, 2))
    check_release(second)
    view = View(tmp_path / "view", first)
    loaded = view.hold([first, second])
    assert set(loaded) == set(parts(read_configs(second)))
    assert view.held == (1, 2)
    assert "recommend" in view.pin(second)
    config = text_format.Parse((tmp_path / "view" / "recommend" / "config.pbtxt").read_text(), ModelConfig())
    assert {step.model_version for step in config.ensemble_scheduling.step} == {2}
    assert (tmp_path / "view" / "recommender" / "2" / "tasks.toml").read_text() == PROFILES


def test_the_stores_own_repository_holds_both(copy: Path, tasks: Path) -> None:
    release_tasks(copy, tasks)
    for path in (copy / "models").glob("*/config.pbtxt"):
        config = text_format.Parse(path.read_text(), ModelConfig())
        if config.platform == "ensemble":
            assert {step.model_version for step in config.ensemble_scheduling.step} == {2}
        else:
            assert list(config.version_policy.specific.versions) == [1, 2]


def test_an_earlier_release_may_be_the_beginning(copy: Path, tasks: Path) -> None:
    release_tasks(copy, tasks)
    other = tasks.with_name("other.toml")
    other.write_text('[feed]\ntask = "inspire"\n')
    manifest = release_tasks(copy, other, 1)
    assert (manifest.release, manifest.figures["from"]) == (3, 1)
    assert list(still_recommender(folder_of(copy, 3)).shop.profiles.by_name) == ["feed"]
    assert manifest.damaged(copy) == ()
    request = json.loads((copy / "releases" / "0003" / "probe" / "probe.json").read_text())["requests"][-1]
    assert request["inputs"]["TASK"] == "feed"


def test_all_mistakes_are_shown_and_nothing_is_made(copy: Path, tasks: Path) -> None:
    before = tree(copy)
    tasks.write_text('[one]\ntask = "nothing"\n[two]\ntask = "similar"\nhistory = 1000\n')
    with pytest.raises(BadProfiles) as caught:
        release_tasks(copy, tasks)
    assert len(caught.value.problems) == 2
    tasks.write_text('[one]\ntask = "similar"\nfilter = { eq = ["colour", "red"] }\n')
    with pytest.raises(BadProfiles, match="colour"):
        release_tasks(copy, tasks)
    assert tree(copy) == before
    assert not (copy / ".export").exists()


def test_what_is_not_there_is_no_beginning(copy: Path, tasks: Path, tmp_path: Path) -> None:
    with pytest.raises(NoSuchRelease, match=r"no release 7; there are: 1$"):
        release_tasks(copy, tasks, 7)
    with pytest.raises(NoSuchRelease, match=r"no release; there are: none; make one with"):
        release_tasks(tmp_path / "empty", tasks)
    (copy / "models" / "text_tower" / "1" / "model.onnx").unlink()
    with pytest.raises(NoSuchRelease, match=r"text_tower/1/model\.onnx is missing"):
        release_tasks(copy, tasks)


def test_a_release_of_before_has_no_tasks(copy: Path, tasks: Path) -> None:
    path = manifest_path(copy, 1)
    content = json.loads(path.read_text())
    content["outputs"] = {name: one for name, one in content["outputs"].items() if "/recommender/" not in name}
    path.write_text(json.dumps(content))
    with pytest.raises(NoSuchRelease, match="recommends nothing"):
        release_tasks(copy, tasks)


def test_one_export_at_a_time(copy: Path, tasks: Path) -> None:
    with staging(copy), pytest.raises(StoreBusy):
        release_tasks(copy, tasks)


@pytest.mark.parametrize("step", ["link_release", "recommend_request", "move_models", "move_release"])
@pytest.mark.parametrize("error", [RuntimeError("power"), KeyboardInterrupt()], ids=["error", "ctrl-c"])
def test_one_that_breaks_off_leaves_the_store_as_it_was(
    copy: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    def fail(*_: object) -> None:
        raise error

    before = tree(copy)
    monkeypatch.setattr(again, step, fail)
    with pytest.raises(type(error)):
        release_tasks(copy, tasks)
    assert tree(copy) == before
    monkeypatch.undo()
    assert release_tasks(copy, tasks).release == 2


def test_moves_that_break_off_anywhere_are_taken_back(copy: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every seventh is enough to be caught between any two kinds of them.
    break_off_moves(copy, partial(release_tasks, copy, tasks), monkeypatch, 7)
    assert releases(copy) == [1, 2]


def test_from_the_command_line(copy: Path, tasks: Path) -> None:
    answer = CliRunner().invoke(app, ["tasks", "--store", str(copy), "--tasks", str(tasks)])
    assert answer.exit_code == 0, answer.output
    assert f"python -m deploy activate 2 --store {copy}" in re.sub(r"\s+", " ", answer.output)
    tasks.write_text('[one]\ntask = "nothing"\n')
    answer = CliRunner().invoke(app, ["tasks", "--store", str(copy), "--tasks", str(tasks)])
    assert answer.exit_code == 2
    assert "[one]" in answer.output
    assert releases(copy) == [1, 2]
