"""Precisions that do not pass, or cannot be judged: refused, or fallen back from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ensemble.hashing import sha256
from ensemble.release import releases
from export.errors import GateFailed, TooLittle
from export.gate.fidelity import WORST_SHOWN
from tests.export import small
from tests.export.conftest import Make
from tests.export.stores import tree
from tests.export.test_precision_release import named

IMPOSSIBLE = "\n[gate.int8]\ncosine_p01 = 1.0\nrecall_at_10 = 1.0\n"
# Halves cannot do that either: held-out cosines of exactly 1.
HOPELESS = IMPOSSIBLE + "\n[gate.fp16]\ncosine_min = 1.0\n"
# A store, what was in it before a release was refused, and why that was.
Refused = tuple[Path, dict[str, str], GateFailed]


@pytest.fixture(scope="module")
def impossible(small_towers: Path) -> Path:
    """A towers file whose INT8 bounds nothing reaches."""
    return small.towers_with(small_towers, "impossible", IMPOSSIBLE)


@pytest.fixture(scope="module")
def refused(store: Path, make_small: Make, impossible: Path, tmp_path_factory: pytest.TempPathFactory) -> Refused:
    """A store, what was in it before a release was refused, and why that was."""
    copy = Path(shutil.copytree(store, tmp_path_factory.mktemp("refused") / "var"))
    before = tree(copy)
    with pytest.raises(GateFailed) as caught:
        make_small(copy, precision="int8", towers=impossible)
    return copy, before, caught.value


def test_a_failed_gate_tells_all_and_leaves_what_serves(refused: Refused) -> None:
    store, before, error = refused
    report = store / "failed" / "0002" / "report.html"
    assert error.report == report
    assert error.figure.startswith("text tower, int8-")
    assert error.figure.endswith(("cosine_p01", "recall_at_10"))
    assert 0.9 < error.value < error.bound == 1.0
    assert len(error.worst) == WORST_SHOWN
    for told in (error.figure, "at least 1 is asked", *error.worst, str(report)):
        assert told in str(error)
    assert tree(store) == before | {"failed/0002/report.html": sha256(report)}
    assert releases(store) == [1]


def test_the_report_of_a_failed_gate_says_what_failed(refused: Refused) -> None:
    store, _, error = refused
    page = (store / "failed" / "0002" / "report.html").read_text()
    for recipe in ("int8-static-norms", "int8-by-token", "int8-blockwise", "int8-spared"):
        assert recipe in page
    assert "1st percentile of the cosines is 0.9" in page
    assert "at least 1 is asked" in page
    assert error.worst[0].split("  ", 1)[1].strip("'") in page


def test_allow_precision_falls_back_and_says_so(make_small: Make, impossible: Path, tmp_path: Path) -> None:
    made = make_small(tmp_path / "var", precision="int8", allow_precision=True, towers=impossible)
    page = (tmp_path / "var" / "releases" / "0001" / "report.html").read_text()
    for name, tower in made.towers.items():
        assert named(tower, "chosen") == "fp16-islands"
        assert tower["fell_back"].endswith("; fp16-islands serves instead")
        assert "at least 1 is asked" in tower["fell_back"]
        assert f"{name}_tower: {tower['fell_back']}" in made.notes
        assert "fp16-islands serves instead" in page
        assert not any(one["passed"] for one in tower["candidates"] if one["precision"] == "int8")


def test_it_falls_back_to_fp32_where_fp16_fails_too(make_small: Make, small_towers: Path, tmp_path: Path) -> None:
    towers = small.towers_with(small_towers, "hopeless", HOPELESS)
    made = make_small(tmp_path / "var", precision="int8", allow_precision=True, towers=towers)
    for tower in made.towers.values():
        assert named(tower, "chosen") == "fp32-source"
        assert "fp32-source serves instead" in tower["fell_back"]
    assert len(made.notes) == 2


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of five products."""
    return small.write_shop(tmp_path_factory.mktemp("few"), small.products(5))


def test_a_catalogue_too_small_to_judge_by_serves_in_fp32(make_small: Make, few: Path, tmp_path: Path) -> None:
    made = make_small(tmp_path / "var", precision="auto", catalogue=few)
    for name, tower in made.towers.items():
        assert named(tower, "chosen") == "fp32-source"
        assert tower["fell_back"].startswith("nothing but FP32 can be proved")
        assert any(f"{name} tower" in note and "larger catalogue" in note for note in made.notes)
    assert not (tmp_path / "var" / "releases" / "0001" / "report.html").exists()


@pytest.mark.parametrize("precision", ["int8", "fp16"])
def test_an_asked_precision_that_cannot_be_judged_is_refused(
    make_small: Make, few: Path, tmp_path: Path, precision: str
) -> None:
    with pytest.raises(TooLittle, match=r"text tower: .* at least 8 are needed: give a larger catalogue"):
        make_small(tmp_path / "var", precision=precision, catalogue=few)
    assert tree(tmp_path / "var") == {}


def test_fp32_is_not_judged_again(
    make_small: Make, impossible: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.decisions.prove", small.breaking_off(AssertionError("the gate was asked")))
    made = make_small(tmp_path / "var", precision="fp32", towers=impossible)
    for tower in made.towers.values():
        assert named(tower, "chosen") == "fp32-source"
        assert tower["candidates"] == []
    assert made.notes == ()
    assert not (tmp_path / "var" / "releases" / "0001" / "report.html").exists()
