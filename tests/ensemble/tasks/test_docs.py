"""What docs/tasks.md and the docstrings show holds."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from types import ModuleType

import pytest

import ensemble.tasks.profiles
import ensemble.tasks.tables
import ensemble.tasks.view
from ensemble.index import save
from ensemble.tasks import DEFAULT_TASKS, INPUTS, OUTPUTS, Profiles
from ensemble.tasks.profile import DEFAULTS, KEYS
from tests.ensemble.tasks.shops import answer, catalogue, index_of, recommender, write_folder

PAGE = (Path(__file__).parents[3] / "docs" / "tasks.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def block(language: str) -> str:
    (text,) = (text for kind, text in BLOCKS if kind == language)
    return str(text)


@pytest.mark.parametrize("module", [ensemble.tasks.profiles, ensemble.tasks.tables, ensemble.tasks.view])
def test_the_examples_of_the_docstrings_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_the_profiles_of_the_page_can_be_used() -> None:
    profiles = Profiles.parse(block("toml"))
    profiles.check(recommender().index.slots.columns)
    assert [profile.task for profile in profiles.by_name.values()] == ["complement", "similar", "inspire"]


def test_the_python_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    products, vectors = catalogue(60, 3)
    write_folder(tmp_path / "FOLDER", products, vectors, DEFAULT_TASKS.read_text())
    save(index_of(products, vectors).slots, tmp_path / "FOLDER" / "index")
    monkeypatch.chdir(tmp_path)
    exec(block("python"), {})  # noqa: S102 -- the page's own example
    assert len(capsys.readouterr().out.splitlines()) == 11


def test_the_page_names_every_key_and_every_tensor() -> None:
    for name in (*KEYS, *INPUTS, *OUTPUTS):
        assert f"`{name}`" in PAGE, name


def test_the_page_tells_the_defaults() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", PAGE, re.MULTILINE))
    shown = {"variants_by": '`""`', "near_duplicates": "none", "filter": "none", "half_life_days": "none"}
    for name, value in told.items():
        if name in DEFAULTS and name not in ("task", "fallback", "brand"):
            assert value == shown.get(name, f"{DEFAULTS[name]:g}" if name not in shown else ""), name
    assert {"diversity", "categories", "history", "max_age_days"} <= set(told)


def test_the_default_file_shows_every_key() -> None:
    text = DEFAULT_TASKS.read_text()
    assert [name for name in KEYS if not re.search(rf"^(# )?{name} = ", text, re.MULTILINE)] == []


def test_the_reasons_of_the_page_are_those_that_are_given() -> None:
    products, _ = catalogue(120, 3)
    chair = next(product["id"] for product in products if product["category"] == "Home/Chairs")
    asked = recommender()
    found = [
        answer(asked, chair, task="complement", k=5),
        answer(asked, task="inspire"),
        answer(asked, "P1", filter={"in": ["id", ["P5", "P6", "P7"]]}),
        answer(asked, "P1", "X1"),
    ]
    assert [one.reasons[0] for one in found] == block("text").splitlines()
