"""The options of precision as a user sees them: what is printed, what is refused, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ensemble.release import Manifest, manifest_path
from export import proving
from export.cli import app
from tests.export import small

runner = CliRunner()


def run(*arguments: object) -> tuple[int, str]:
    result = runner.invoke(app, ["release", *map(str, arguments)], env={"COLUMNS": "240"})
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def shop(small_shop: Path, small_towers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[object, ...]:
    """Options of a release that can be made and judged in a moment."""
    monkeypatch.setattr(proving, "SECONDS", small.SECONDS)
    return "--catalogue", small_shop, "--towers", small_towers, "--store", tmp_path / "var"


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    path = tmp_path / "queries.jsonl"
    path.write_text('{"text": "mug red", "products": ["P001"]}\n{"text": "lamp ball ball"}\n')
    return path


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    path = tmp_path / "calibration.jsonl"
    path.write_text('{"text": "white white"}\n')
    return path


def test_every_candidate_is_shown_and_the_one_that_serves_is_marked(shop: tuple[object, ...], tmp_path: Path) -> None:
    code, output = run(*shop)
    assert code == 0
    made = Manifest.load(manifest_path(tmp_path / "var", 1))
    for name, tower in made.towers.items():
        assert f"{name} tower: latency as a share of FP32's" in output
        for one in tower["candidates"]:
            assert f"{one['precision']}-{one['recipe']}" in output
        assert f"│ * │ {tower['chosen']}-{tower['recipe']}" in output
        assert output.count("│ * │") == len(made.towers)
    for head in ("cos p01", "recall@10", "b1", "b32", "gate"):
        assert head in output
    assert f"Precision and proof: {tmp_path}/var/releases/0001/report.html" in output


def test_queries_calibration_and_device_are_taken(
    shop: tuple[object, ...], queries: Path, calibration: Path, tmp_path: Path
) -> None:
    options = ("--precision", "fp16", "--device", "cpu", "--queries", queries, "--calibration", calibration)
    code, output = run(*shop, *options)
    assert code == 0, output
    made = Manifest.load(manifest_path(tmp_path / "var", 1))
    assert made.inputs["queries"]["path"] == str(queries)
    assert made.inputs["calibration"]["path"] == str(calibration)
    assert {tower["chosen"] for tower in made.towers.values()} == {"fp16"}
    (labelled,) = {one["labelled"]["queries"] for one in made.towers["text"]["candidates"]}
    assert labelled == 1


def test_a_failed_gate_names_its_report(shop: tuple[object, ...], small_towers: Path, tmp_path: Path) -> None:
    strict = small.towers_with(small_towers, "strict", "\n[gate.int8]\ncosine_p01 = 1.0\n")
    code, output = run(*shop, "--towers", strict, "--precision", "int8")
    assert code == 1
    assert "The release failed its gate. text tower, int8-" in output
    assert "cosine_p01 is 0.99" in output
    assert "at least 1 is asked. Worst inputs:" in output
    report = tmp_path / "var" / "failed" / "0001" / "report.html"
    assert f"All figures: {report}" in output
    assert report.is_file()
    assert "Traceback" not in output


def test_falling_back_is_noted(shop: tuple[object, ...], small_towers: Path) -> None:
    strict = small.towers_with(small_towers, "strict", "\n[gate.int8]\ncosine_p01 = 1.0\n")
    code, output = run(*shop, "--towers", strict, "--precision", "int8", "--allow-precision")
    assert code == 0
    for name in ("text_tower", "vision_tower"):
        assert f"note: {name}: int8-" in output
    assert "fp16-islands serves instead" in output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--precision", "int4"), ("precision", "auto, int8, fp16, fp32", "int4")),
        (("--precision", "INT8"), ("auto, int8, fp16, fp32",)),
        (("--device", "tpu"), ("device", "tpu")),
        (("--device", "gpu"), ("gpu",)),
        (("--queries", "none.jsonl"), ("queries", "a file that exists", "none.jsonl")),
        (("--calibration", "none.jsonl"), ("calibration", "a file that exists", "none.jsonl")),
        (("--precision", "fp32", "--queries", "none.jsonl"), ("queries", "none.jsonl")),
        (("--allow-precision", "int8"), ("int8",)),
    ],
    ids=" ".join,
)
def test_nonsense_is_refused(
    shop: tuple[object, ...], tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    code, output = run(*shop, *options)
    assert code == 2
    for word in words:
        assert word in output
    assert "Traceback" not in output
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("option", ["--queries", "--calibration"])
@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"text": ""}', "line 1: text = ''; allowed: a string that is not empty"),
        ('{"picture": "a.png"}', "line 1: picture = 'a.png'; no such key"),
        ("", "holds no query"),
    ],
    ids=["empty", "key", "nothing"],
)
def test_a_file_of_queries_that_is_not_valid_is_refused(
    shop: tuple[object, ...], tmp_path: Path, option: str, line: str, told: str
) -> None:
    (tmp_path / "bad.jsonl").write_text(line + "\n")
    code, output = run(*shop, option, tmp_path / "bad.jsonl", "--precision", "int8")
    assert code == 2
    assert told in output
    assert not (tmp_path / "var" / "releases").exists()


def test_an_answer_that_the_catalogue_has_not_is_refused(shop: tuple[object, ...], tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(json.dumps({"text": "mug", "products": ["nobody"]}) + "\n")
    code, output = run(*shop, "--queries", tmp_path / "bad.jsonl")
    assert code == 2
    assert "product 'nobody' is not in the catalogue" in output


def test_a_shop_too_small_for_int8_is_told_what_to_do(small_towers: Path, tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    catalogue = small.write_shop(tmp_path / "few", small.products(5))
    options = ("--catalogue", catalogue, "--towers", small_towers, "--store", tmp_path / "var")
    code, output = run(*options, "--precision", "int8")
    assert code == 2
    assert "give a larger catalogue" in output
    code, output = run(*options)
    assert code == 0
    assert "note: text_tower: nothing but FP32 can be proved" in output
