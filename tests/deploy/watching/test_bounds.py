from __future__ import annotations

import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest

from deploy.watching.bounds import DEFAULT, Bounds, read_bounds
from deploy.watching.errors import BadBounds


def test_the_default_file_holds_the_defaults_and_explains_each() -> None:
    text = DEFAULT.read_text()
    assert tomllib.loads(text) == asdict(Bounds())
    blocks = [block for block in text.split("\n\n") if "=" in block]
    assert all(block.startswith("#") for block in blocks)
    assert read_bounds() == Bounds()


def test_fields_that_are_left_out_have_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "watch.toml"
    path.write_text('p99_ms = 40\ndrift = "act"\n')
    assert read_bounds(path) == Bounds(p99_ms=40, drift="act")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "watch.toml"
    path.write_text(
        'error_rate = 1.5\np99_ms = nan\np99_ratio = "2"\nmin_requests = 2.5\nrestarts = true\n'
        'drift = "perhaps"\nspeed = 1\nprobation_s = 10\n'
    )
    with pytest.raises(BadBounds) as raised:
        read_bounds(path)
    told = "\n".join(raised.value.problems)
    for problem in (
        "error_rate = 1.5; allowed: a number from 0.0 to 1.0",
        "p99_ms = nan; allowed: a number from 0.1 to 600,000.0",
        "p99_ratio = '2'; allowed: a number from 1.0 to 1,000.0",
        "min_requests = 2.5; allowed: a whole number from 1 to 1,000,000",
        "restarts = True; allowed: a whole number from 0 to 1,000",
        "drift = 'perhaps'; allowed: 'act' or 'tell'",
        "speed = 1; no such field; allowed: error_rate, question_failures, p99_ms",
        "probation_s = 10; allowed: at least grace_s, which is 60",
    ):
        assert problem in told
    assert len(raised.value.problems) == 8


@pytest.mark.parametrize("content", ["error_rate =", None])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "watch.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadBounds, match="cannot be read"):
        read_bounds(path)


def test_a_value_out_of_range_is_refused_in_code_too() -> None:
    with pytest.raises(ValueError, match="interval_s = 0"):
        Bounds(interval_s=0)
