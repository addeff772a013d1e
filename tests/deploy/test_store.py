from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.errors import NoRelease, UnusableRelease
from deploy.server import Server
from deploy.store import check_release, find_release


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


def test_a_whole_release_passes(store: Path) -> None:
    check_release(find_release(store))


@pytest.mark.parametrize("name", ["models/rank/1/model.py", "releases/0001/models/length/config.pbtxt"])
@pytest.mark.parametrize("missing", [True, False])
def test_a_damaged_release_is_refused_by_the_file(store: Path, name: str, missing: bool) -> None:
    path = store / name
    path.unlink() if missing else path.write_text(path.read_text() + "\n")
    with pytest.raises(UnusableRelease, match=rf"release 1 is damaged.*: {path}\. Bring it back .* new release"):
        Server(store).start()
    assert not (store / "run").exists()


def test_a_manifest_that_cannot_be_read_is_refused(store: Path) -> None:
    manifest = store / "releases" / "0001" / "manifest.json"
    manifest.write_text("{}")
    with pytest.raises(UnusableRelease, match=rf"{manifest}: not a manifest .* new release"):
        check_release(find_release(store))
