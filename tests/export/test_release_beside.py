"""Releases of a tiny shop beside those before: which versions are served together, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble.release import Manifest, manifest_path, releases
from export.errors import BadSource
from tests.export.conftest import Make
from tests.export.stores import COMPOSING, ENSEMBLES, config, tree


def test_a_second_release_keeps_the_first_beside_it(copy: Path, make: Make) -> None:
    before = tree(copy / "releases")
    warmup = copy / "models" / "text_preprocess" / "warmup"
    made_at = warmup.stat().st_mtime_ns
    manifest = make(copy)
    assert warmup.stat().st_mtime_ns == made_at
    assert releases(copy) == [1, 2]
    assert manifest.release == 2
    for name in COMPOSING:
        assert list(config(copy, name).version_policy.specific.versions) == [1, 2]
    for name in ENSEMBLES:
        assert {step.model_version for step in config(copy, name).ensemble_scheduling.step} == {2}
    first = Manifest.load(manifest_path(copy, 1))
    assert first.damaged(copy) == ()
    assert manifest.damaged(copy) == ()
    assert manifest.space_id == first.space_id
    assert before.items() <= tree(copy / "releases").items()


def test_a_release_of_other_shapes_stands_alone_and_says_so(copy: Path, make: Make, sources: Path) -> None:
    other = sources / "other.toml"
    other.write_text((sources / "towers.toml").read_text().replace('output = "features"', 'output = "colours"'))
    manifest = make(copy, towers=other)
    for name in COMPOSING:
        assert list(config(copy, name).version_policy.specific.versions) == [2]
    assert list(config(copy, "retrieve").input[1].dims) == [3]
    (note,) = manifest.notes
    assert "vision_tower" in note
    assert "Roll replicas" in note
    third = make(copy, towers=other)
    assert list(config(copy, "retrieve").version_policy.specific.versions) == [2, 3]
    assert third.notes == ()


def test_another_preprocessing_is_another_space(store: Path, make: Make, sources: Path, tmp_path: Path) -> None:
    other = sources / "buckets.toml"
    other.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[8, 16]"))
    manifest = make(tmp_path / "var", towers=other)
    assert manifest.space_id != Manifest.load(manifest_path(store, 1)).space_id


def test_longer_texts_than_the_version_before_could_warm_up_with_stand_alone(
    copy: Path, make: Make, sources: Path
) -> None:
    path = sources / "longer.toml"
    path.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[4, 8, 32]"))
    (note,) = make(copy, towers=path).notes
    assert "text_tower" in note
    assert list(config(copy, "text_tower").version_policy.specific.versions) == [2]


def test_halves_that_cannot_be_compared_cannot_be_shared(make: Make, sources: Path, tmp_path: Path) -> None:
    shared = sources / "shared.toml"
    shared.write_text((sources / "towers.toml").read_text() + "\n[space]\nshared = true\n")
    with pytest.raises(BadSource, match="a shared space needs equal dimensions, got text 16 and image 8"):
        make(tmp_path / "var", towers=shared)
