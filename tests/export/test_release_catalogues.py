"""What a release does with the rows of a catalogue that it cannot use, and with catalogues of other shapes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from catalogue import BadRows
from export.errors import BadSource
from tests.export.conftest import Make
from tests.export.stores import tree


def bad_shop(shop: Path, folder: Path) -> Path:
    """The shop with rows that are bad in each way that shows late."""
    shutil.copytree(shop.parent, folder)
    (folder / "torn.png").write_bytes((folder / "images" / "P001.png").read_bytes()[:200])
    (folder / "text.png").write_text("not a picture")
    rows = [
        {"id": "B1", "title": "missing", "image": "images/none.png"},
        {"id": "B2", "title": "torn", "image": "torn.png"},
        {"id": "B3", "title": "text", "image": "text.png"},
        {"id": "B4", "title": "outside", "image": "../other/a.png"},
        {"id": "B5", "title": "w" * 9000},
        {"id": "B6"},
    ]
    path = folder / "catalogue.jsonl"
    path.write_text(path.read_text() + "".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_bad_pictures_and_texts_are_told_with_all_other_bad_rows(shop: Path, make: Make, tmp_path: Path) -> None:
    with pytest.raises(BadRows) as caught:
        make(tmp_path / "var", catalogue=bad_shop(shop, tmp_path / "shop"))
    told = {problem.row: (problem.field, problem.allowed) for problem in caught.value.problems}
    assert {row: field for row, (field, _) in told.items()} == {
        41: "image",
        42: "image",
        43: "image",
        44: "image",
        45: "text",
        46: "title",
    }
    assert "there is none" in told[41][1]
    assert "damaged" in told[42][1]
    assert "not a picture" in told[43][1]
    assert "below the catalogue's folder" in told[44][1]
    assert "8,000" in told[45][1]
    assert tree(tmp_path / "var") == {}


def test_bad_rows_can_be_skipped(shop: Path, make: Make, tmp_path: Path) -> None:
    manifest = make(tmp_path / "var", catalogue=bad_shop(shop, tmp_path / "shop"), skip=True)
    assert (manifest.figures["products"], manifest.figures["skipped_rows"]) == (40, 6)
    path = tmp_path / "var" / "releases" / "0001" / "skipped.jsonl"
    skipped = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["row"], one["field"]) for one in skipped][-2:] == [(45, "text"), (46, "title")]
    assert skipped[0] == {
        "row": 41,
        "field": "image",
        "value": "'images/none.png'",
        "allowed": f"a file that exists; there is none at {tmp_path}/shop/images/none.png",
    }
    assert "releases/0001/skipped.jsonl" in manifest.outputs


def test_more_bad_rows_than_can_be_shown_are_listed_in_a_file(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    good = json.dumps({"id": "good", "title": "red mug", "category": "Kitchen"})
    path.write_text("\n".join([*(json.dumps({"id": str(number)}) for number in range(27)), good]))
    listed = tmp_path / "var" / "bad-rows.jsonl"
    with pytest.raises(BadRows, match=rf"\.\.\. and 7 more\nAll 27 problems are listed in {listed}"):
        make(tmp_path / "var", catalogue=path)
    rows = [json.loads(line) for line in listed.read_text().splitlines()]
    assert [row["row"] for row in rows] == list(range(1, 28))
    assert {row["field"] for row in rows} == {"title"}
    assert make(tmp_path / "var", catalogue=path, skip=True).figures["skipped_rows"] == 27
    assert not listed.exists()


def test_a_release_without_bad_rows_lists_none(store: Path) -> None:
    assert not (store / "releases" / "0001" / "skipped.jsonl").exists()


def test_a_catalogue_without_pictures_can_be_released(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("sku,name\n1,red mug\n2,blue lamp\n")
    columns = tmp_path / "columns.toml"
    columns.write_text('[columns]\nid = "sku"\ntitle = "name"\n')
    manifest = make(tmp_path / "var", catalogue=path, columns=columns)
    assert (manifest.figures["products"], manifest.figures["pictures"]) == (2, 0)
    assert "columns" in manifest.inputs


def test_text_fields_that_no_product_has_are_refused(make: Make, sources: Path, tmp_path: Path) -> None:
    path = sources / "fields.toml"
    path.write_text((sources / "towers.toml").read_text().replace('["title", "category"]', '["title", "colour"]'))
    with pytest.raises(
        BadSource, match=r"\['colour'\]: no product has them; allowed: category, color, new, number, title"
    ):
        make(tmp_path / "var", towers=path)
