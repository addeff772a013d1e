from __future__ import annotations

from pathlib import Path

import pytest

from loadtest.errors import BadSlo
from loadtest.slo import Figures, Slo, judge, read_slo

FIGURES = Figures(p99_ms=120.0, error_rate=0.01, rps=40.0, recall=0.9)
PROMISES = Path(__file__).parents[2] / "loadtest" / "promises"


def test_what_was_not_promised_is_not_judged() -> None:
    (verdict,) = judge(Slo(p99_ms=120), FIGURES)
    assert verdict.kept
    assert verdict.told == "p99_ms: 120 ms, promised at most 120"


def test_a_broken_promise_tells_by_how_much() -> None:
    told = {one.name: one.told for one in judge(Slo(100, 0.001, 50, 0.95), FIGURES) if not one.kept}
    assert told["p99_ms"] == "p99_ms: 120 ms, promised at most 100: off by 20 (20%)"
    assert told["error_rate"].endswith("promised at most 0.001: off by 0.009 (900%)")
    assert told["min_rps"] == "min_rps: 40 requests/s, promised at least 50: off by 10 (20%)"
    assert told["recall_probe"].startswith("recall_probe: 0.9, promised at least 0.95: off by 0.05")


def test_a_promise_that_nothing_was_measured_of_is_broken() -> None:
    nothing = Figures(float("nan"), 0.0, 0.0, float("nan"))
    assert [one.kept for one in judge(Slo(100, 0.0, 1, 0.5), nothing)] == [False, True, False, False]


def test_an_slo_file_is_read_and_tells_of_all_its_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "slo.toml"
    path.write_text("p99_ms = 250\nrecall_probe = 1\n")
    assert read_slo(path) == Slo(p99_ms=250, recall_probe=1)
    path.write_text('p99_ms = 0\nerror_rate = 2\nmin_rps = "many"\np50_ms = 3\n')
    with pytest.raises(BadSlo) as caught:
        read_slo(path)
    told = str(caught.value).splitlines()
    assert len(told) == 4
    assert all(any(name in line for line in told) for name in ("p99_ms", "error_rate", "min_rps", "p50_ms"))
    path.write_text("")
    with pytest.raises(BadSlo, match="give at least one"):
        read_slo(path)
    with pytest.raises(BadSlo, match="cannot be read"):
        read_slo(tmp_path / "none.toml")


def test_the_promise_that_comes_with_the_package_can_be_read() -> None:
    assert read_slo(PROMISES / "shop.toml").p99_ms
