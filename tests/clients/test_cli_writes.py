from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from clients.cli import app
from tests.clients.test_cli import NOWHERE, START, plain, run

FIRST = 2**40


def run_with(stdin: str, *args: str) -> Result:
    return CliRunner().invoke(app, list(args), input=stdin, env={"TANDEM_URL": None})


def test_a_product_comes_from_a_file_or_from_stdin(url: str, tmp_path: Path) -> None:
    (tmp_path / "product.json").write_text('{"id": "M1", "title": "Tasse"}', "utf-8")
    (tmp_path / "photo.jpg").write_bytes(b"jpeg")
    result = run("upsert", "--product", tmp_path / "product.json", "--image", tmp_path / "photo.jpg", "--url", url)
    assert (result.exit_code, result.stdout) == (0, f"M1 is written, journal {FIRST}\n")
    result = run_with('{"id": "M2"}', "upsert", "--product", "-", "--url", url, "--json")
    assert json.loads(result.stdout) == {"id": "M2", "seq": FIRST}


def test_a_patch_is_put_together_from_options(url: str) -> None:
    options = ["--price", "9.5", "--unavailable", "--attribute", "colour=red", "--remove", "size", "--url", url]
    result = run("patch", "M1", *options, "--json")
    assert json.loads(result.stdout) == {"id": "M1", "seq": FIRST}
    assert run("patch", "M1", "--available", "--url", url).stdout == f"M1 is written, journal {FIRST}\n"


def test_a_deletion_tells_whether_there_was_something(url: str) -> None:
    assert run("delete", "P1", "--url", url).stdout == f"deleted, journal {FIRST}\n"
    assert run("delete", "Q1", "--url", url).stdout == f"there was no such product, journal {FIRST}\n"
    assert json.loads(run("delete", "Q1", "--url", url, "--json").stdout) == {"found": False, "seq": FIRST}


def test_a_search_may_ask_for_what_was_written(url: str) -> None:
    assert run("search", "--text", "a", "-k", "1", "--min-seq", str(FIRST), "--url", url).exit_code == 0
    result = run("search", "--text", "a", "--min-seq", str(FIRST + 1), "--url", url, "--timeout", "2")
    assert result.exit_code == 3
    assert "the index follows the catalogue: try again" in result.stderr


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["upsert"], 2, "Missing option '--product'"),
        (
            ["upsert", "--product", "nowhere.json"],
            2,
            "--product: cannot read 'nowhere.json': No such file or directory",
        ),
        (["upsert", "--product", "/"], 2, "--product: cannot read '/': Is a directory"),
        (["upsert", "--product", "-"], 2, "--product: not JSON"),
        (["upsert", "--product", "-", "--image", "nowhere.jpg"], 2, "'nowhere.jpg' does not exist"),
        (["patch", "M1"], 2, "PATCH: changes nothing; give a price, available or attributes"),
        (["patch", "M1", "--attribute", "red"], 2, "--attribute: 'red'; allowed: NAME=VALUE, as in colour=red"),
        (["patch", "M1", "--price", "dear"], 2, "Invalid value for '--price'"),
        (["delete"], 2, "Missing argument 'ID'"),
        (["delete", "M1", "--url", NOWHERE], 3, f"no server at {NOWHERE}: Connection refused {START}"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(args: list[str], code: int, message: str) -> None:
    result = run(*args)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in plain(result.stderr)
    assert "Traceback" not in result.stderr


def test_what_is_no_object_or_not_utf8_is_told(tmp_path: Path) -> None:
    assert "--product: one JSON object is needed" in run_with("[]", "upsert", "--product", "-").stderr
    (tmp_path / "product.json").write_bytes(b"\xff")
    assert "it is not UTF-8" in run("upsert", "--product", tmp_path / "product.json").stderr


@pytest.mark.parametrize(("name", "code"), [("refuse", 2), ("away", 3)])
def test_a_refusal_of_the_server_is_told(url: str, name: str, code: int) -> None:
    result = run("delete", name, "--url", url, "--timeout", "2")
    assert (result.exit_code, result.stdout) == (code, "")
    assert "PRODUCT_ID[0]: refused" in result.stderr or "TANDEM_CATALOGUE: away; nothing was written" in result.stderr
