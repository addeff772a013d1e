"""``SECURITY.md`` names a test for every claim, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"tests/[\w/]+\.py(?:::\w+)?", PAGE)))
MEASURES = PAGE.split("## What each measure does")[1].split("\n## ")[0]
ROWS = [line for line in MEASURES.splitlines() if line.startswith("| ") and line != "| Measure | Test |"]
PATHS = sorted(set(re.findall(r"`(deploy/[\w./-]+)`", PAGE)))


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("named", NAMED)
def test_a_named_test_exists(named: str) -> None:
    path, _, function = named.partition("::")
    assert (ROOT / path).is_file()
    assert not function or function in functions(ROOT / path)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:50])
def test_a_measure_names_its_test(row: str) -> None:
    assert re.search(r"`tests/[\w/]+\.py::test_\w+`", row)


@pytest.mark.parametrize("path", PATHS)
def test_a_named_file_exists(path: str) -> None:
    assert (ROOT / path).is_file()


def test_the_page_has_what_a_reader_looks_for() -> None:
    assert len(ROWS) > 25
    for heading in ("What is not protected", "Which Triton", "Supported versions", "Reporting a vulnerability"):
        assert f"## {heading}\n" in PAGE
