"""What `make` writes is whole, deterministic and readable by any viewer."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner

from sample.__main__ import app
from sample.camera import photograph, placed, scene
from sample.errors import SampleInputError
from sample.make import make, photo_plan, write_photo
from sample.products import shop
from sample.queries import write_queries


def _hashes(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shop")
    make(out, products=24, held_out=8, train=4, seed=7)
    return out


def test_rows_and_files_belong_together(made: Path) -> None:
    rows = [json.loads(line) for line in (made / "catalogue.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [f"P{number:05d}" for number in range(1, 25)]
    for row in rows:
        assert set(row) == {"id", "title", "category", "price", "available", "image", "attributes"}
        assert row["price"] > 0
        with Image.open(made / row["image"]) as picture:
            assert picture.size == (256, 256)


def test_photos_are_split_by_product(made: Path) -> None:
    with (made / "photos.csv").open(newline="") as file:
        photos = list(csv.DictReader(file))
    assert [photo["split"] for photo in photos] == ["held_out"] * 8 + ["train"] * 4
    assert len({photo["product_id"] for photo in photos}) == 12
    for photo in photos:
        with Image.open(made / photo["path"]) as picture:
            assert ImageOps.exif_transpose(picture).size in {(320, 240), (240, 320)}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_queries_and_calibration_share_no_photo(made: Path) -> None:
    asked, calibration = lines(made / "queries.jsonl"), lines(made / "calibration.jsonl")
    photos = [line for line in asked if "image" in line]
    assert (len(photos), len(calibration)) == (8, 4)
    for split, some in (("held_out", photos), ("train", calibration)):
        for line in some:
            (product,) = line["products"]
            assert line["image"] == f"photos/{product}_{split}.jpg"
            assert (made / line["image"]).is_file()


def test_texts_are_asked_in_other_words_than_the_titles(made: Path) -> None:
    titles = {row["title"]: row["id"] for row in lines(made / "catalogue.jsonl")}
    texts = {line["text"]: line["products"] for line in lines(made / "queries.jsonl") if "text" in line}
    assert sorted(name for right in texts.values() for name in right) == sorted(titles.values())
    assert not {title.lower() for title in titles} & set(texts)


def test_queries_are_few_and_from_all_over_the_shop(tmp_path: Path) -> None:
    products = list(shop(50, seed=7))
    photos = [(f"photos/{product.id}.jpg", product.id) for product in products]
    write_queries(tmp_path, products, {"held_out": photos}, count=5)
    asked = lines(tmp_path / "queries.jsonl")
    assert [line["products"] for line in asked if "image" in line] == [[f"P{n:05}"] for n in (1, 13, 25, 37, 50)]
    assert sum("text" in line for line in asked) == 5
    assert not (tmp_path / "calibration.jsonl").exists()


def test_the_same_seed_writes_the_same_bytes(made: Path, tmp_path: Path) -> None:
    make(tmp_path, products=24, held_out=8, train=4, seed=7)
    assert _hashes(tmp_path) == _hashes(made)


def test_exif_turned_photos_come_out_upright(tmp_path: Path) -> None:
    products = list(shop(3, seed=7))
    orientations = set()
    for seed in range(40):
        write_photo(tmp_path / "a.jpg", products[0], products[1:], np.random.default_rng(seed))
        with Image.open(tmp_path / "a.jpg") as photo:
            orientations.add(photo.getexif()[0x0112])
            upright = ImageOps.exif_transpose(photo)
        rng = np.random.default_rng(seed)
        size = (320, 240) if rng.random() < 0.67 else (240, 320)
        expected = photograph(products[0].figure(), [p.figure(128) for p in products[1:]], size, rng)
        difference = np.asarray(upright, dtype=float) - np.asarray(expected, dtype=float)
        assert np.abs(difference).mean() < 6
    assert orientations == {1, 6, 8}


def test_a_placed_figure_lands_where_it_should() -> None:
    figure = Image.new("RGBA", (40, 40), (255, 0, 0, 255))
    seen = np.asarray(placed(figure, (100, 80), (60.0, 30.0), 20.0, 0.0, np.zeros((4, 2))))[..., 3] > 128
    rows, columns = np.nonzero(seen)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (20, 39, 50, 69)


def test_scenes_differ_by_seed_alone() -> None:
    one, same, other = (scene((64, 48), np.random.default_rng(seed)).tobytes() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_more_photos_than_products_are_refused() -> None:
    with pytest.raises(SampleInputError, match=r"photos: got 9 held-out \+ 2 train, allowed are 10"):
        photo_plan(10, 9, 2, seed=7)


def test_the_command_line_writes_a_shop_and_its_sheet(tmp_path: Path) -> None:
    arguments = ["make", "--out", str(tmp_path), "--products", "12", "--held-out", "3", "--train", "1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    sheet = CliRunner().invoke(app, ["sheet", "--folder", str(tmp_path), "--out", str(tmp_path / "sheet.png")])
    assert sheet.exit_code == 0
    with Image.open(tmp_path / "sheet.png") as page:
        assert page.width == 12 * 128
    refused = CliRunner().invoke(app, ["make", "--out", str(tmp_path), "--products", "0"])
    assert refused.exit_code == 2
