"""The command from towers files to table, JSON and plot, and what it refuses before anything is built."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ensemble.pipeline import Pipeline
from export.cli import app
from export.compare.metrics import METRICS
from tests.export.compare.conftest import Write
from tests.export.conftest import Make

Rows = list[dict[str, Any]]


def run(towers: list[Path], queries: Path, shop: Path, out: Path, *more: str) -> Result:
    """``python -m export compare``, with output as wide as it wants to be."""
    given = ["--queries", str(queries), "--catalogue", str(shop), "--out", str(out), "--towers", *map(str, towers)]
    return CliRunner().invoke(app, ["compare", *given, *more], env={"COLUMNS": "200"})


def test_two_towers_are_compared_end_to_end(
    tiny_towers: list[Path], rows: Rows, write: Write, shop: Path, tmp_path: Path
) -> None:
    result = run(tiny_towers, write(rows), shop, tmp_path / "out")
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "out/compare.json").read_text("utf-8"))
    standings = content["standings"]
    names = [path.stem for path in tiny_towers]
    assert [(one["towers"], one["kind"]) for one in standings] == [(n, k) for k in ("text", "image") for n in names]
    assert [one["queries"] for one in standings] == [len(rows) - 3] * 2 + [3] * 2
    text, same_text, image, _ = standings
    assert (text["ms_b1"], text["bytes"]) == (same_text["ms_b1"], same_text["bytes"])
    assert all(one["ms_b1"] > 0 and one["ms_b32"] > 0 and tuple(one["quality"]) == METRICS for one in standings)
    assert image["quality"]["recall@1"] == 1, "each photo is a catalogue picture, which is nearest to itself"
    assert any(one["on_front"] for one in standings[:2])
    assert any(one["on_front"] for one in standings[2:])
    assert content["front_by"] == ["ndcg@10", "ms_b1", "bytes"]
    assert (tmp_path / "out/compare.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "out/compare.svg").read_text("utf-8")
    assert all(name in svg and name in result.output for name in names)


def test_answers_are_those_of_the_release_that_serves(
    make: Make, towers: Path, rows: Rows, write: Write, shop: Path, tmp_path: Path
) -> None:
    make(tmp_path / "var", towers=towers)
    pipeline = Pipeline.open(tmp_path / "var/models", 1)
    asked = [row for row in rows if "text" in row]
    hits = pipeline.search(texts=[row["text"] for row in asked], k=1)
    first = [found[0].id in row["products"] for found, row in zip(hits, asked, strict=True)]
    shares = [hit / len(row["products"]) for hit, row in zip(first, asked, strict=True)]
    run([towers], write(rows), shop, tmp_path / "out", "--kind", "text")
    (standing,) = json.loads((tmp_path / "out/compare.json").read_text("utf-8"))["standings"]
    assert standing["quality"]["recall@1"] == pytest.approx(sum(shares) / len(shares), abs=1e-4)


def test_problems_of_all_towers_files_are_shown_at_once(
    tiny_towers: list[Path], rows: Rows, write: Write, shop: Path, tmp_path: Path
) -> None:
    (tmp_path / "one.toml").write_text('[vision]\nfactory = "nothing"\n')
    (tmp_path / "two.toml").write_text("[vision]\nonnx = 'absent.onnx'\n")
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / tiny_towers[0].name
    again.write_text(tiny_towers[0].read_text("utf-8"))
    bad = [tmp_path / "one.toml", tmp_path / "two.toml", again]
    result = run([*bad, *tiny_towers], write(rows), shop, tmp_path / "out")
    assert result.exit_code == 2
    for said in ("vision.factory = 'nothing'", "there is nothing at", "2 files are called 'towers'"):
        assert said in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "red mug"}, "'red mug': has no label"),
        ({"text": "red mug", "products": ["P999"]}, "products ['P999'] are not in the catalogue"),
    ],
)
def test_labels_are_held_to_the_catalogue(
    row: dict[str, Any], said: str, tiny_towers: list[Path], rows: Rows, write: Write, shop: Path, tmp_path: Path
) -> None:
    result = run(tiny_towers, write([*rows, row]), shop, tmp_path / "out")
    assert result.exit_code == 2
    assert said in result.output


def test_a_metric_that_is_none_is_refused(towers: Path, rows: Rows, write: Write, shop: Path, tmp_path: Path) -> None:
    result = run([towers], write(rows), shop, tmp_path / "out", "--metric", "map")
    assert result.exit_code == 2
    assert "ndcg@10" in result.output


def test_towers_whose_halves_cannot_be_weighed_are_refused(
    towers: Path, rows: Rows, write: Write, shop: Path, tmp_path: Path
) -> None:
    other = towers.with_name("shared.toml")
    other.write_text(towers.read_text("utf-8") + "\n[space]\nshared = true\n")
    result = run([other], write(rows), shop, tmp_path / "out")
    assert result.exit_code == 2
    assert "shared: [space]: a shared space needs equal dimensions, got text 16 and image 8" in result.output


def test_towers_that_read_other_products_are_refused(
    towers: Path, rows: Rows, write: Write, shop: Path, tmp_path: Path
) -> None:
    numbered = [json.loads(line) | {"number": place} for place, line in enumerate(shop.read_text("utf-8").splitlines())]
    catalogue = tmp_path / "catalogue.jsonl"
    catalogue.write_text("".join(json.dumps(row | {"image": None}) + "\n" for row in numbered), "utf-8")
    other = towers.with_name("other-ids.toml")
    other.write_text(towers.read_text("utf-8") + '\n[columns]\nid = "number"\n', "utf-8")
    result = run([towers, other], write(rows), catalogue, tmp_path / "out")
    assert result.exit_code == 2
    assert "other-ids: reads other product ids than towers" in result.output
