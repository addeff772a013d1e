"""Shards and manifests: what is written is what is read, and what is not is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalogue import BadRow
from export.bulk.folder import ShardFolder
from export.bulk.manifest import BulkManifest, ShardFile
from export.bulk.shards import Refused, Shard, Stamp, read, stamp_of, write
from export.bulk.vectors import Vectors
from export.errors import BadVectors, DamagedShard, WrongShard

STAMP = Stamp("space", "file /shop.jsonl", 4)
ROWS = np.random.default_rng(3).normal(size=(3, 4)).astype(np.float16)
CONTENTS = tuple(f"{number:064x}" for number in range(3))
SHARD = Shard(2, ("a", "b", "c"), CONTENTS, ROWS, (Refused(BadRow(7, "image", "'x'", "a picture"), "d", "f" * 64),))


def manifest(**changed: object) -> BulkManifest:
    told = {
        "space_id": "space",
        "release": 1,
        "text_dim": 2,
        "image_dim": 2,
        "row_dim": 4,
        "text_fields": ("title",),
        "max_picture_bytes": 100,
        "catalogue": "file /shop.jsonl",
        "products": 3,
        "shards": (ShardFile("shard-000000.parquet", 3, "0"),),
        "failures": (BadRow(7, "image", "'x'", "a picture"),),
    }
    return BulkManifest(**told | changed)  # type: ignore[arg-type]


def test_a_shard_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path / "one.parquet", SHARD, STAMP)
    shard, stamp = read(tmp_path / "one.parquet")
    assert stamp == stamp_of(tmp_path / "one.parquet") == STAMP
    assert (shard.number, shard.ids, shard.contents, shard.refused) == (2, SHARD.ids, SHARD.contents, SHARD.refused)
    np.testing.assert_array_equal(shard.rows, ROWS)
    assert [path.name for path in tmp_path.iterdir()] == ["one.parquet"]


def test_a_shard_is_plain_parquet(tmp_path: Path) -> None:
    write(tmp_path / "one.parquet", SHARD, STAMP)
    table = pq.read_table(tmp_path / "one.parquet")
    assert table.schema.field("row").type == pa.list_(pa.float16(), 4)
    assert table["id"].to_pylist() == ["a", "b", "c"]


def test_an_empty_shard_is_one(tmp_path: Path) -> None:
    write(tmp_path / "one.parquet", Shard(0, (), (), np.zeros((0, 4), np.float16)), STAMP)
    assert read(tmp_path / "one.parquet")[0].rows.shape == (0, 4)


def test_a_footer_that_does_not_fit_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    write(path, SHARD, STAMP)
    table = pq.read_table(path)
    told = json.loads(table.schema.metadata[b"tandem"])
    changes: list[object] = [told | {"number": 3}, told | {"sha256": "0"}, {"number": 3}, []]
    for changed in changes:
        pq.write_table(table.replace_schema_metadata({"tandem": json.dumps(changed)}), path)
        with pytest.raises(DamagedShard):
            read(path)
    pq.write_table(table.replace_schema_metadata(None), path)
    with pytest.raises(DamagedShard):
        stamp_of(path)


def test_a_shard_of_another_format_is_refused(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path)
    write(folder.path(0), SHARD, Stamp("space", "file /shop.jsonl", 4, format=2))
    with pytest.raises(WrongShard, match="format = 2; allowed here: 1"):
        folder.check(STAMP)


def test_vectors_are_found_by_content_in_any_order(tmp_path: Path) -> None:
    write(tmp_path / "one.parquet", SHARD, STAMP)
    other = Shard(0, ("e",), ("e" * 64,), ROWS[:1] * 2)
    write(tmp_path / "two.parquet", other, STAMP)
    (tmp_path / "three.parquet").write_text("damaged")
    vectors = Vectors.of(sorted(tmp_path.iterdir()), 4)
    assert len(vectors) == 4
    found = vectors.rows([CONTENTS[2], "e" * 64, CONTENTS[0], CONTENTS[2]])
    np.testing.assert_array_equal(found, np.stack([ROWS[2], ROWS[0] * 2, ROWS[0], ROWS[2]]))
    assert "f" * 64 not in vectors
    assert vectors.rows([]).shape == (0, 4)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest().save(tmp_path)
    assert BulkManifest.load(tmp_path) == manifest()


def test_a_folder_without_a_manifest_is_not_whole(tmp_path: Path) -> None:
    with pytest.raises(BadVectors, match="that `python -m export embed` has finished"):
        BulkManifest.load(tmp_path)


@pytest.mark.parametrize(
    "changed", [{"format": 9}, {"row_dim": 5}, {"shards": [{"file": "../x", "rows": 1, "sha256": ""}]}]
)
def test_a_manifest_that_is_not_one_is_told(tmp_path: Path, changed: dict[str, object]) -> None:
    manifest().save(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(BadVectors, match="not a manifest that can be read"):
        BulkManifest.load(tmp_path)


def test_a_shard_that_is_not_the_manifests_is_told(tmp_path: Path) -> None:
    folder = ShardFolder(tmp_path)
    folder.put(SHARD, STAMP)
    entry, _ = folder.entry(2)
    folder.finish(manifest(shards=(entry,)))
    assert len(Vectors.open(tmp_path)[0]) == 3
    content = (tmp_path / entry.file).read_bytes()
    (tmp_path / entry.file).write_bytes(content + b"\0")
    with pytest.raises(BadVectors, match=r"shard-000002\.parquet: missing, or not what"):
        Vectors.open(tmp_path)
