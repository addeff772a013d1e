"""What shards are for: a release that takes its rows from them, and a shop's database that gets them."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from catalogue.database import Database, Entry, Journal, Space
from catalogue.database.checking import parse_product
from catalogue.errors import BadEntry
from ensemble.hashing import sha256
from export import embedding, release
from export.bulk import taking
from export.bulk.depositing import deposit
from export.bulk.manifest import BulkManifest
from export.bulk.shards import read, write
from export.cli import app
from export.errors import BadVectors
from tests import tiny
from tests.export.bulk.conftest import Embed, Here, changed_rows, indexed, written
from tests.export.conftest import Make

runner = CliRunner()


@pytest.fixture
def loaded(catalogue: Path, tmp_path: Path) -> str:
    """A database with the catalogue's products, as `python -m catalogue load` makes it; without any vector."""
    from catalogue import read as read_catalogue

    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    with Database.open(url, create=True) as database:
        database.load(read_catalogue(str(catalogue)), str(catalogue))
    return url


def start(_: int) -> Any:
    return lambda _: None


def finished_with(out: Path, shard: str, change: Any) -> None:
    """Change the rows of a shard, and have the manifest vouch for it."""
    found, stamp = read(out / shard)
    rows = found.rows.copy()
    change(rows)
    write(out / shard, type(found)(found.number, found.ids, found.contents, rows, found.refused), stamp)
    path = out / "manifest.json"
    told = json.loads(path.read_text())
    for one in told["shards"]:
        one["sha256"] = sha256(out / one["file"])
    path.write_text(json.dumps(told))


def test_a_release_takes_its_rows_from_shards(  # noqa: PLR0917 - fixtures
    embed: Embed, here: Here, make: Make, store: Path, catalogue: Path, out: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    embed()
    monkeypatch.setattr(release, "embed", None)
    made = make(tmp_path / "var", catalogue=catalogue, vectors=out)
    assert made.space_id == BulkManifest.load(out).space_id
    expected = indexed(store)
    for name, row in indexed(tmp_path / "var").items():
        np.testing.assert_allclose(row, expected[name], atol=1e-3)


def test_what_shards_do_not_have_is_encoded(
    embed: Embed, here: Here, make: Make, catalogue: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed()
    written(catalogue, changed_rows(P013={"title": "large white lamp"}, P014={"price": 99.0}))
    encoded: list[list[str]] = []

    def watched(encoders: Any, products: Any, *others: Any) -> Any:
        encoded.append([product.id for product in products])
        return embedding.embed(encoders, products, *others)

    monkeypatch.setattr(taking, "embed", watched)
    make(tmp_path / "var", catalogue=catalogue, vectors=out)
    sample, missing = encoded
    assert len(sample) == taking.SAMPLE
    assert missing == ["P013"]


def test_rows_that_the_towers_do_not_give_are_refused(
    embed: Embed, here: Here, make: Make, catalogue: Path, out: Path, tmp_path: Path
) -> None:
    embed()

    def turned(rows: Any) -> None:
        rows[:, :16] = np.roll(rows[:, :16], 1, axis=0)

    for shard in ("shard-000000.parquet", "shard-000001.parquet", "shard-000002.parquet", "shard-000003.parquet"):
        finished_with(out, shard, turned)
    with pytest.raises(BadVectors, match=r"the row of product 'P\d+' has cosine .* at least 0.999"):
        make(tmp_path / "var", catalogue=catalogue, vectors=out)
    assert not (tmp_path / "var" / "releases").exists()


def test_shards_of_another_space_are_refused(
    embed: Embed, here: Here, make: Make, catalogue: Path, out: Path, sources: Path, tmp_path: Path
) -> None:
    embed()
    other = sources / "taken.toml"
    other.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[5, 16]"))
    with pytest.raises(BadVectors, match="allowed: that of the release"):
        make(tmp_path / "var", catalogue=catalogue, vectors=out, towers=other)


def test_a_folder_that_is_not_whole_gives_nothing(
    embed: Embed, here: Here, make: Make, catalogue: Path, out: Path, tmp_path: Path, loaded: str
) -> None:
    embed()
    (out / "manifest.json").unlink()
    with pytest.raises(BadVectors, match=r"no manifest\.json"):
        make(tmp_path / "var", catalogue=catalogue, vectors=out)
    with pytest.raises(BadVectors, match=r"no manifest\.json"):
        deposit(out, loaded, start)
    with pytest.raises(ValueError, match="`vectors` must be a folder that exists"):
        make(tmp_path / "var", catalogue=catalogue, vectors=tmp_path / "none")


def test_a_database_gets_vectors_of_products_that_are_still_the_same(
    embed: Embed, here: Here, store: Path, out: Path, loaded: str
) -> None:
    summary = embed()
    space_id = summary.manifest.space_id
    with Database.open(loaded) as database:
        database.upsert([Entry(parse_product(changed_rows(P013={"title": "large white lamp"})[13]))])
        database.upsert([Entry(parse_product(changed_rows(P014={"price": 99.0})[14]))])
        before = database.head()
    done = deposit(out, loaded, start)
    assert (done.space_id, done.written, done.lacking) == (space_id, 39, 1)
    with Database.open(loaded) as database, closing(Journal(loaded, space_id)) as journal:
        assert [one.product.id for one in database.unembedded(space_id, limit=10)] == ["P013"]
        changes = journal.changes(before)
    expected = indexed(store)
    rows = {change.id: change.row for change in changes.changes}
    assert set(rows) == set(expected) - {"P013"}
    for name, row in rows.items():
        assert row is not None
        np.testing.assert_allclose(row, expected[name], atol=1e-3)
    assert deposit(out, loaded, start).written == 0


def test_a_space_that_is_registered_otherwise_is_refused(embed: Embed, here: Here, out: Path, loaded: str) -> None:
    summary = embed()
    with Database.open(loaded) as database:
        database.register(Space(summary.manifest.space_id, 3, 4, ("title",)))
    with pytest.raises(BadEntry, match="as it is registered"):
        deposit(out, loaded, start)


def test_the_commands_tell_what_they_did(
    here: Here, catalogue: Path, store: Path, out: Path, loaded: str, tmp_path: Path
) -> None:
    options = ["--store", str(store), "--out", str(out), "--shard-rows", "10"]
    told = runner.invoke(app, ["embed", str(catalogue), *options])
    assert told.exit_code == 0, told.output
    assert "40 product(s) in 4 shard(s)" in told.output
    assert "40 embedded" in told.output
    told = runner.invoke(app, ["deposit", str(out), "--catalogue", loaded])
    assert told.exit_code == 0
    assert "40 vector(s) of space" in told.output
    shutil.rmtree(out)
    told = runner.invoke(app, ["deposit", str(out), "--catalogue", loaded])
    assert told.exit_code == 2
    assert "manifest.json" in told.output


def test_the_command_tells_bad_rows_and_mistakes_in_plain_words(
    here: Here, catalogue: Path, store: Path, out: Path
) -> None:
    written(catalogue, tiny.products()[:5])
    (catalogue.parent / "images" / "P001.png").unlink()
    options = ["--store", str(store), "--out", str(out)]
    told = runner.invoke(app, ["embed", str(catalogue), *options])
    assert told.exit_code == 2
    assert "row 2: image = 'images/P001.png'" in told.output
    assert "--skip-bad-rows" in told.output
    assert "goes on from there" in " ".join(told.output.split())
    told = runner.invoke(app, ["embed", str(catalogue), *options, "--skip-bad-rows"])
    assert told.exit_code == 0
    assert "left rows out" in told.output
    told = runner.invoke(app, ["embed", str(catalogue), *options, "--batch", "0"])
    assert told.exit_code == 2
    assert "batch" in told.output
    here.fail_after = 0
    shutil.rmtree(out)
    told = runner.invoke(app, ["embed", str(catalogue), *options])
    assert told.exit_code == 130
    assert "Interrupted. Whole shards stay" in told.output


def test_help_names_every_option() -> None:
    told = runner.invoke(app, ["embed", "--help"], env={"COLUMNS": "200"})
    for option in ("--store", "--out", "--release", "--ray", "--workers", "--shard-rows", "--batch", "--skip-bad-rows"):
        assert option in told.output
