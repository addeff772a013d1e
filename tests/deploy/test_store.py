from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.errors import NoRelease
from deploy.store import compile_models, find_release


def test_an_empty_store_says_how_to_make_a_release(tmp_path: Path) -> None:
    with pytest.raises(NoRelease, match=r"holds no release: make one with `python -m export release .*--store"):
        find_release(tmp_path)


def test_the_newest_whole_release_is_found(store: Path) -> None:
    (store / "releases" / "0002").mkdir()  # still being made: no manifest
    release = find_release(store)
    assert (release.number, release.models) == (1, store / "models")
    assert release.probe.is_file()


def test_a_release_without_probe_is_refused(store: Path) -> None:
    (store / "releases" / "0001" / "probe" / "probe.json").unlink()
    with pytest.raises(NoRelease, match="has no probe"):
        find_release(store)


def test_a_release_without_models_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "releases" / "0001"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({}))
    with pytest.raises(NoRelease, match="holds no models"):
        find_release(tmp_path)


def test_models_are_compiled_beforehand(store: Path) -> None:
    compile_models(store / "models")
    assert list((store / "models" / "rank" / "1" / "__pycache__").glob("model.*.pyc"))


def test_a_model_that_is_no_python_is_named(store: Path) -> None:
    (store / "models" / "rank" / "1" / "model.py").write_text("def (")
    with pytest.raises(NoRelease, match=r"rank/1/model\.py cannot be compiled"):
        compile_models(store / "models")
