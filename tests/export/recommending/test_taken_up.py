"""A release with a trained product tower that broke off: what the next try takes up, and what it refuses early."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ensemble.errors import EnsembleError
from export.errors import BadRecommender, BadTowers
from export.kept import FOLDER as KEPT
from tests.export import small
from tests.export.conftest import Make
from tests.export.recommending.conftest import Recommending, Traced
from tests.export.watching import resumed

Content = dict[str, Any]


@pytest.fixture(scope="module")
def broken_off(
    make_brands: Make,
    small_towers: Path,
    tower: Path,
    traced: Traced,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A store without a release, of which one with a trained tower broke off when it was all but whole."""
    folder = tmp_path_factory.mktemp("broken_off") / "var"
    towers = small.towers_with(small_towers, "broken_off", f'\n[recommend]\ntower = "{tower}"\n')
    with pytest.MonkeyPatch.context() as patch:
        traced(patch)
        patch.setattr("export.release.move_models", small.breaking_off(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            make_brands(folder, towers=towers)
    return folder


@pytest.fixture
def begun(broken_off: Path, tmp_path: Path) -> Path:
    """The same, to be taken up."""
    return Path(shutil.copytree(broken_off, tmp_path / "var"))


def changed(tower: Path, folder: Path, change: Callable[[Content], object]) -> Path:
    """A tower's folder below another one, in which ``tower.json`` says something else."""
    copy = Path(shutil.copytree(tower, folder / "changed"))
    content = json.loads((copy / "tower.json").read_text())
    change(content)
    (copy / "tower.json").write_text(json.dumps(content))
    return copy


def test_what_was_finished_is_taken_up_again(
    begun: Path, make_brands: Make, tower: Path, recommending: Recommending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.recommending.tower.load_encoder", small.breaking_off(AssertionError("loaded again")))
    monkeypatch.setattr("export.recommending.folder.encode_products", small.breaking_off(AssertionError("encoded")))
    manifest = make_brands(begun, towers=recommending(tower=tower))
    assert resumed(manifest)["product_tower"]
    assert resumed(manifest)["recommender"]
    assert not any("not checked" in note for note in manifest.notes)
    assert manifest.damaged(begun) == ()
    assert not (begun / KEPT).exists()


def test_another_tower_is_not_taken_from_before(
    begun: Path,
    make_brands: Make,
    tower: Path,
    recommending: Recommending,
    traced: Traced,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def change(content: Content) -> None:
        content["features"]["price_mean"] += 0.01
        del content["rows"]

    traced(monkeypatch)
    manifest = make_brands(begun, towers=recommending(tower=changed(tower, tmp_path, change)))
    assert "product_tower" not in resumed(manifest)
    assert "recommender" not in resumed(manifest)
    assert resumed(manifest)["embed"]
    assert any("not checked to be trained on rows of these towers" in note for note in manifest.notes)


def test_a_tower_that_does_not_fit_is_told_before_rows_are_made(
    begun: Path,
    make_brands: Make,
    tower: Path,
    recommending: Recommending,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("export.release._Release._embed", small.breaking_off(AssertionError("embedded")))
    long = changed(tower, tmp_path / "long", lambda content: content["features"].update(text_dim=5))
    with pytest.raises(BadRecommender, match=r"trained on rows of 5 \+"):
        make_brands(begun, towers=recommending(tower=long))
    narrow = changed(tower, tmp_path / "narrow", lambda content: content["shape"].update(hidden=5))
    with pytest.raises(BadRecommender, match="cannot be loaded as a product tower"):
        make_brands(begun, towers=recommending(tower=narrow))


def test_a_tower_of_other_rows_is_refused(
    begun: Path, make_brands: Make, tower: Path, recommending: Recommending, tmp_path: Path
) -> None:
    def turn(content: Content) -> None:
        content["rows"] = {name: row[::-1] for name, row in content["rows"].items()}

    with pytest.raises(BadRecommender, match=r"mean cosine is .* train it with --store"):
        make_brands(begun, towers=recommending(tower=changed(tower, tmp_path, turn)))


def test_what_cannot_be_used_is_told_before_the_long_work(
    make_brands: Make, tower: Path, recommending: Recommending, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(tower, tmp_path / "broken"))
    (broken / "tower.safetensors").unlink()
    (tmp_path / "tasks.toml").write_text('[a]\ntask = "similar"\nk = 3\n[b]\ntask = "none"\n')
    with pytest.raises(BadRecommender, match=r"no tower\.safetensors"):
        make_brands(tmp_path / "var", towers=recommending(tower=broken))
    with pytest.raises(EnsembleError) as caught:
        make_brands(tmp_path / "var", towers=recommending(tasks=tmp_path / "tasks.toml"))
    assert all(part in str(caught.value) for part in ("tasks.toml", "[a]", "[b]"))
    with pytest.raises(BadTowers) as told:
        make_brands(
            tmp_path / "var",
            towers=recommending(tower=tmp_path / "none", clusters=-1, popular=1),
        )
    assert len(told.value.problems) == 3
    assert not (tmp_path / "var").exists()
