"""What a run refuses, and what is not lost by it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from catalogue import BadRows, UnreadableCatalogue
from ensemble.errors import DamagedRelease
from export.bulk.folder import ShardFolder
from export.errors import BadSource, NoRay, StoreBusy, WrongShard
from tests import tiny
from tests.export.bulk.conftest import Embed, Here, changed_rows, written
from tests.export.bulk.test_run import rows_of


def test_bad_rows_of_the_catalogue_are_told_before_anything_is_embedded(
    embed: Embed, here: Here, catalogue: Path, out: Path
) -> None:
    written(catalogue, changed_rows(P002={"title": ""}, P020={"price": -1}, P030={"title": "mug " * 3_000}))
    with pytest.raises(BadRows) as caught:
        embed()
    assert [(one.row, one.field) for one in caught.value.problems] == [(3, "title"), (21, "price"), (31, "text")]
    assert here.started == 0
    assert list(out.glob("shard-*")) == []


def test_bad_pictures_are_told_all_at_once_and_the_rest_is_not_lost(
    embed: Embed, here: Here, catalogue: Path, out: Path
) -> None:
    images = catalogue.parent / "images"
    (images / "P001.png").unlink()
    good = (images / "P032.png").read_bytes()
    (images / "P032.png").write_bytes(good[:40])
    with pytest.raises(BadRows) as caught:
        embed()
    assert [(one.row, one.field) for one in caught.value.problems] == [(2, "image"), (33, "image")]
    assert "a file that exists" in str(caught.value)
    assert not (out / "manifest.json").exists()
    (images / "P032.png").write_bytes(good)
    summary = embed(skip_bad_rows=True)
    assert (summary.kept, summary.embedded) == (3, 1)
    assert [one.row for one in summary.manifest.failures] == [2]
    assert summary.manifest.products == 39
    assert set(rows_of(out)) == {row["id"] for row in tiny.products()} - {"P001"}


def test_rows_that_are_skipped_are_listed(embed: Embed, here: Here, catalogue: Path) -> None:
    written(catalogue, changed_rows(P002={"title": ""}, P030={"title": "mug " * 3_000}))
    summary = embed(skip_bad_rows=True)
    assert [(one.row, one.field) for one in summary.manifest.failures] == [(3, "title"), (31, "text")]
    assert summary.manifest.products == 38
    assert embed(skip_bad_rows=True).kept == 4


def test_shards_of_another_catalogue_or_space_are_refused_by_name(
    embed: Embed, here: Here, shop: Path, make: Any, sources: Path, tmp_path: Path
) -> None:
    embed()
    with pytest.raises(WrongShard, match=r"shard-000000\.parquet: .*catalogue"):
        embed(catalogue=str(shop))
    other = sources / "bulk.toml"
    other.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[6, 16]"))
    make(tmp_path / "other", towers=other)
    with pytest.raises(WrongShard, match=r"shard-000000\.parquet: .*space_id"):
        embed(store=tmp_path / "other")
    assert embed().kept == 4


def test_two_runs_in_one_folder_are_one_too_many(embed: Embed, here: Here, out: Path) -> None:
    with ShardFolder(out).locked(), pytest.raises(StoreBusy, match="another run embeds here"):
        embed()


def test_a_release_that_is_not_there_is_told(embed: Embed, here: Here, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"no release 7; allowed: 1"):
        embed(release=7)
    with pytest.raises(BadSource, match="it has none"):
        embed(store=tmp_path / "none")


def test_towers_that_are_not_what_was_released_embed_nothing(
    embed: Embed, here: Here, store: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(store, tmp_path / "copy")
    graph = copy / "models" / "vision_tower" / "1" / "model.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    with pytest.raises(DamagedRelease, match=r"vision_tower/1/model\.onnx"):
        embed(store=copy)


def test_a_catalogue_without_products_is_refused(embed: Embed, here: Here, catalogue: Path) -> None:
    catalogue.write_text('{"id": "1", "title": ""}\n')
    with pytest.raises(UnreadableCatalogue, match="holds no product"):
        embed(skip_bad_rows=True)


def test_a_catalogue_without_a_field_of_the_texts_is_refused(
    embed: Embed, here: Here, make: Any, sources: Path, tmp_path: Path, catalogue: Path
) -> None:
    other = sources / "fields.toml"
    other.write_text((sources / "towers.toml").read_text().replace('"category"', '"color"'))
    make(tmp_path / "other", towers=other)
    written(catalogue, [{"id": "1", "title": "mug"}])
    with pytest.raises(BadSource, match="color"):
        embed(store=tmp_path / "other")


def test_an_order_says_what_is_allowed(tmp_path: Path, embed: Embed) -> None:
    (tmp_path / "file").write_text("")
    for name, value in (
        ("release", 0),
        ("ray", " "),
        ("workers", 0),
        ("shard_rows", 0),
        ("batch", 2_000),
        ("out", tmp_path / "file"),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be"):
            embed(**{name: value})


def test_ray_that_is_not_installed_names_the_extra(embed: Embed, monkeypatch: pytest.MonkeyPatch, out: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(NoRay, match=r"pip install 'tandem\[ray\]'"):
        embed()
    assert list(out.glob("shard-*")) == []


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:9", "no Ray answers at 127.0.0.1:9"),
        ("here:now", "must be HOST:PORT"),
        ("a:70000", "no Ray answers"),
    ],
)
def test_an_address_where_no_ray_answers_is_told(embed: Embed, out: Path, address: str, told: str) -> None:
    with pytest.raises(NoRay, match=told):
        embed(ray=address)
    assert list(out.glob("shard-*")) == []
