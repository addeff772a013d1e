"""Queries files are what the gate and compare read: every photo and text with the products that are right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.queries_files import app, description_rows
from export.queries import read_queries
from sample.make import make


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    make(folder, products=30, held_out=3, train=2, seed=7)
    return folder


def test_the_sample_is_asked_with_held_out_photos_and_other_words(shop: Path) -> None:
    path = shop / "queries.jsonl"
    result = CliRunner().invoke(app, ["sample", "--shop", str(shop), "--out", str(path)])
    assert result.exit_code == 0, result.output
    queries = read_queries(path)
    photos = [query for query in queries if query.image is not None]
    assert len(photos) == 3
    for query in photos:
        assert query.image is not None
        assert query.image.name == f"{query.products[0]}_held_out.jpg"
    texts = [query for query in queries if query.image is None]
    assert len({query.text for query in texts}) == len(texts)
    assert sorted(name for query in texts for name in query.products) == [f"P{n:05}" for n in range(1, 31)]
    titles = {json.loads(line)["title"] for line in (shop / "catalogue.jsonl").read_text("utf-8").splitlines()}
    assert titles.isdisjoint(query.text for query in texts)
    assert not any(Path(json.loads(line).get("image", "")).is_absolute() for line in path.read_text().splitlines())


def test_the_sample_is_calibrated_on_photos_of_another_split(shop: Path) -> None:
    result = CliRunner().invoke(app, ["sample", "--shop", str(shop), "--split", "train"])
    assert result.exit_code == 0, result.output
    queries = read_queries(shop / "calibration.jsonl")
    assert [query.image.name for query in queries if query.image] == [f"{q.products[0]}_train.jpg" for q in queries]
    assert len(queries) == 2


def test_groceries_are_parted_by_split(tmp_path: Path) -> None:
    folder = tmp_path / "grocery"
    folder.mkdir()
    (folder / "photos").mkdir()
    for name in ("train_0", "val_0", "val_1"):
        (folder / "photos" / f"{name}.jpg").touch()
    rows = [f"{name.split('_')[0]},photos/{name}.jpg,7" for name in ("train_0", "val_0", "val_1")]
    (folder / "splits.csv").write_text("\n".join(["split,path,class_id", *rows]))
    (folder / "catalogue.jsonl").write_text('{"id": 7, "description": "Sour."}\n')
    found = {}
    for split in ("train", "val"):
        out = tmp_path / f"{split}.jsonl"
        result = CliRunner().invoke(app, ["grocery", "--data", str(tmp_path), "--split", split, "--out", str(out)])
        assert result.exit_code == 0, result.output
        found[split] = [query.label for query in read_queries(out)]
        assert all(query.products == ("7",) for query in read_queries(out))
    assert found == {"train": ["train_0.jpg"], "val": ["val_0.jpg", "val_1.jpg", "'Sour.'"]}


def test_photos_outside_the_files_folder_are_named_absolutely(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "queries.jsonl"
    CliRunner().invoke(app, ["sample", "--shop", str(shop), "--out", str(path)])
    assert len([query for query in read_queries(path) if query.image is not None]) == 3


def test_descriptions_leave_out_products_without_one() -> None:
    rows: list[dict[str, Any]] = [{"id": 1, "description": "Sour."}, {"id": 2, "description": None}]
    assert list(description_rows(rows)) == [{"text": "Sour.", "products": ["1"]}]


@pytest.mark.parametrize("command", [["sample", "--shop", "absent"], ["grocery", "--data", "absent"]])
def test_what_is_not_there_is_named(command: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "queries.jsonl")])
    assert result.exit_code == 2
    assert "absent" in result.output
