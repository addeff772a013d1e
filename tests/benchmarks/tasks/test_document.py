"""What the report says beside the evaluation's own."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from benchmarks.tasks.document import FIGURES, figures, sections
from benchmarks.tasks.online_retail import CATALOGUE, EVENTS
from export.cli import app

FACTS = {"baskets": {"before": 10, "after": 5}, "products": 7, "recipe": {"epochs": 3}}


def test_sections_tell_of_the_shop_and_of_what_was_tried(tmp_path: Path) -> None:
    told = sections(FACTS, 105, "2011-09-01", tmp_path)
    assert "15 orders of 7 products" in told[0]
    assert told[1].startswith("## What was tried")
    assert "--split 2011-09-01" in told[-1]
    assert "--epochs 3" in told[-1]
    assert "docs/results" not in told[-1]
    assert not any("## Speed" in section for section in told)


def test_the_commands_that_are_told_are_those_there_are(tmp_path: Path) -> None:
    text = sections(FACTS, 105, "2011-09-01", tmp_path)[-1].replace("\\\n", " ")
    adapter, evaluation = (shlex.split(line) for line in text.splitlines() if line.startswith("    python -m"))
    out = adapter[adapter.index("--out") + 1]
    assert adapter[:3] == ["python", "-m", "benchmarks.tasks.online_retail"]
    assert evaluation[:4] == ["python", "-m", "export", "evaluate-tasks"]
    given = dict(zip(evaluation[4::2], evaluation[5::2], strict=True))
    assert (given["--events"], given["--catalogue"]) == (f"{out}/{EVENTS}", f"{out}/{CATALOGUE}")
    known = {option for parameter in get_command(app).commands["evaluate-tasks"].params for option in parameter.opts}  # type: ignore[attr-defined]
    assert set(given) <= known
    assert Path(given["--tasks"]).is_file()
    assert not given["--out"].startswith("docs")


def test_figures_have_the_columns_that_are_read() -> None:
    row = {"task": "similar", "model": "als", "slice": "all", "novelty": 1.0} | dict.fromkeys(FIGURES, 0.5)
    (found,) = figures([row])
    assert set(found) == {"task", "model", "slice", *FIGURES}
    assert json.loads(json.dumps(found)) == found
    with pytest.raises(KeyError):
        figures([{"task": "similar"}])
