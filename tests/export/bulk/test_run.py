"""What a run embeds, what it leaves alone, and what it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalogue.database import Database, Entry
from catalogue.database.checking import parse_product
from ensemble.pipeline import Encoders
from export.bulk.manifest import BulkManifest
from export.bulk.shards import read
from tests import tiny
from tests.export.bulk.conftest import Embed, Here, changed_rows, indexed, written


def rows_of(out: Path) -> dict[str, np.ndarray[Any, Any]]:
    found: dict[str, np.ndarray[Any, Any]] = {}
    for path in sorted(out.glob("shard-*.parquet")):
        shard, _ = read(path)
        found |= dict(zip(shard.ids, shard.rows, strict=True))
    return found


def bytes_of(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.name != ".lock"}


def test_rows_are_those_of_the_releases_own_index(embed: Embed, here: Here, store: Path, out: Path) -> None:
    summary = embed()
    expected = indexed(store)
    found = rows_of(out)
    assert list(found) == [row["id"] for row in tiny.products()]
    for name, row in found.items():
        np.testing.assert_allclose(row, expected[name], atol=1e-3)
    manifest = BulkManifest.load(out)
    assert manifest == summary.manifest
    assert (manifest.products, manifest.row_dim, manifest.failures) == (40, 24, ())
    assert [one.rows for one in manifest.shards] == [10, 10, 10, 10]
    assert summary.embedded == 40


def test_the_same_catalogue_gives_the_same_files(embed: Embed, here: Here, out: Path) -> None:
    embed()
    before = bytes_of(out)
    shutil.rmtree(out)
    embed()
    assert bytes_of(out) == before


def test_a_folder_that_is_whole_is_left_alone(embed: Embed, here: Here, out: Path) -> None:
    embed()
    before = {path: path.stat().st_mtime_ns for path in out.glob("shard-*")}
    summary = embed()
    assert (summary.kept, summary.embedded, here.started) == (4, 0, 1)
    assert {path: path.stat().st_mtime_ns for path in out.glob("shard-*")} == before


def test_a_run_that_breaks_off_is_taken_up_where_it_was(embed: Embed, here: Here, out: Path) -> None:
    here.fail_after = 7  # of 12 parts: two shards are whole, one is begun
    with pytest.raises(KeyboardInterrupt):
        embed()
    assert [path.name for path in sorted(out.glob("*.*"))] == [".lock", "shard-000002.parquet", "shard-000003.parquet"]
    here.fail_after = None
    summary = embed()
    assert (summary.kept, summary.embedded) == (2, 20)
    broken = bytes_of(out)
    shutil.rmtree(out)
    embed()
    assert bytes_of(out) == broken


@pytest.mark.parametrize("damage", ["removed", "cut", "altered", "no shard"])
def test_only_a_shard_that_is_damaged_is_made_again(embed: Embed, here: Here, out: Path, damage: str) -> None:
    embed()
    before = bytes_of(out)
    path = out / "shard-000001.parquet"
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[:-100])
    elif damage == "altered":
        # In the middle of the rows, which nothing in Parquet's own footer vouches for.
        at = len(content) // 2
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    else:
        path.write_text("no shard")
    summary = embed()
    assert summary.kept == 3
    assert summary.embedded == 10
    assert bytes_of(out) == before


def test_a_product_that_changed_is_embedded_again_and_nothing_else(
    embed: Embed, here: Here, catalogue: Path, out: Path
) -> None:
    embed()
    before = bytes_of(out)
    written(catalogue, changed_rows(P013={"title": "large white lamp"}, P014={"price": 99.0}))
    summary = embed()
    assert (summary.kept, summary.taken, summary.embedded) == (3, 9, 1)
    after = bytes_of(out)
    assert {name for name in before if before[name] != after[name]} == {"shard-000001.parquet", "manifest.json"}
    assert "earlier" not in after


def test_a_picture_that_changed_is_another_content(embed: Embed, here: Here, catalogue: Path, out: Path) -> None:
    embed()
    shutil.copyfile(catalogue.parent / "images" / "P001.png", catalogue.parent / "images" / "P022.png")
    summary = embed()
    assert (summary.kept, summary.embedded) == (3, 1)


def test_rows_are_found_again_where_products_moved(embed: Embed, here: Here, catalogue: Path, out: Path) -> None:
    embed()
    before = rows_of(out)
    written(catalogue, [row for row in tiny.products() if row["id"] != "P003"])
    summary = embed(shard_rows=7)
    assert (summary.taken + 7 * summary.kept, summary.embedded) == (39, 0)
    after = rows_of(out)
    assert [one.rows for one in summary.manifest.shards] == [7, 7, 7, 7, 7, 4]
    assert set(before) - set(after) == {"P003"}
    assert all((after[name] == before[name]).all() for name in after)


def test_a_run_that_breaks_off_while_shards_move_loses_no_row(
    embed: Embed, here: Here, catalogue: Path, out: Path
) -> None:
    embed()
    written(catalogue, [{"id": "new", "title": "blue chair"}, *tiny.products()])
    here.fail_after = 0
    with pytest.raises(KeyboardInterrupt):
        embed()
    assert not (out / "manifest.json").exists()
    here.fail_after = None
    summary = embed()
    assert summary.embedded == 1
    assert len(rows_of(out)) == 41


def test_windows_give_what_one_window_gives(
    embed: Embed, here: Here, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed()
    before = bytes_of(out)
    shutil.rmtree(out)
    monkeypatch.setattr("export.bulk.run.WINDOW_BYTES", 1)
    embed()
    assert bytes_of(out) == before
    assert here.started == 2


def test_a_database_is_embedded_as_it_is(embed: Embed, here: Here, store: Path, out: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(store, tmp_path / "copy")
    url = f"sqlite:///{copy / 'catalogue.sqlite'}"
    picture = tiny.picture((240, 140, 20), seed=3)
    with Database.open(url) as database:
        database.upsert([Entry(parse_product({"id": "live", "title": "white ball"}), picture=picture)])
    embed(catalogue="", store=copy)
    found = rows_of(out)
    assert len(found) == 41
    encoders = Encoders.open(store / "models", 1)
    (expected,) = encoders.embed_product([parse_product({"id": "live", "title": "white ball"}).as_dict()], [picture])
    np.testing.assert_allclose(found["live"], expected, atol=1e-3)
    # A product that is written again is the last of the database; nothing but it is embedded.
    with Database.open(url) as database:
        database.upsert([Entry(parse_product({"id": "P000", "title": "small blue ball"}))])
    summary = embed(catalogue=url, store=copy)
    assert summary.embedded == 1
    assert list(rows_of(out))[-1] == "P000"


def test_a_product_whose_picture_went_meanwhile_is_left_to_the_next_run(
    embed: Embed, here: Here, store: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(store, tmp_path / "copy")
    with Database.open(f"sqlite:///{copy / 'catalogue.sqlite'}") as database:
        picture = tiny.picture((240, 140, 20), seed=3)
        database.upsert([Entry(parse_product({"id": "live", "title": "white ball"}), picture=picture)])
    with monkeypatch.context() as patch:
        patch.setattr(Database, "picture", lambda *_: None)
        assert embed(catalogue="", store=copy).manifest.products == 40
    assert "live" not in rows_of(out)
    assert embed(catalogue="", store=copy).embedded == 1
    assert "live" in rows_of(out)


def test_the_manifest_lists_hashes_that_hold(embed: Embed, here: Here, out: Path) -> None:
    import hashlib

    embed()
    told = json.loads((out / "manifest.json").read_text())
    for one in told["shards"]:
        assert hashlib.sha256((out / one["file"]).read_bytes()).hexdigest() == one["sha256"]
