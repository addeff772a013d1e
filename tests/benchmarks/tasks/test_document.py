"""What the report says beside the evaluation's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.tasks.document import FIGURES, figures, sections

FACTS = {"baskets": {"before": 10, "after": 5}, "products": 7, "recipe": {"epochs": 3}}


def test_sections_tell_of_the_shop_and_of_what_was_tried(tmp_path: Path) -> None:
    told = sections(FACTS, 105, "2011-09-01", tmp_path)
    assert "15 orders of 7 products" in told[0]
    assert told[1].startswith("## What was tried")
    assert "--split 2011-09-01" in told[-1]
    assert "--epochs 3" in told[-1]
    assert not any("## Speed" in section for section in told)


def test_figures_have_the_columns_that_are_read() -> None:
    row = {"task": "similar", "model": "als", "slice": "all", "novelty": 1.0} | dict.fromkeys(FIGURES, 0.5)
    (found,) = figures([row])
    assert set(found) == {"task", "model", "slice", *FIGURES}
    assert json.loads(json.dumps(found)) == found
    with pytest.raises(KeyError):
        figures([{"task": "similar"}])
