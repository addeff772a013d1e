"""The served path is held to its twin: a real server over a tiny release, whose catalogue stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from benchmarks.gpu.served import CANNOT_PROVE, app
from benchmarks.gpu.serving.proving import PROBE
from benchmarks.gpu.serving.questions import KS, Question, questions
from benchmarks.gpu.serving.twin import Twin, copied_catalogue
from catalogue.database import Database
from clients import Answer
from clients import Result as Found
from deploy.living import OWN
from deploy.store import find_release
from tests import tiny
from tests.export.conftest import Make

QUESTIONS = 12


@pytest.fixture(scope="module")
def store(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "var"
    make(folder)
    return folder


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    (folder / "photos").mkdir()
    (folder / "catalogue.jsonl").write_text("".join(json.dumps(row) + "\n" for row in tiny.products()))
    for number, colour in enumerate(tiny.COLOURS.values()):
        (folder / "photos" / f"{number}.jpg").write_bytes(tiny.picture(colour, number))
    return folder


def prove(store: Path, sample: Path, *more: str) -> Result:
    return CliRunner().invoke(
        app, ["--store", str(store), "--sample", str(sample), "--questions", str(QUESTIONS), *more]
    )


def figures(store: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((store / "bench" / "gpu-served.json").read_text())["engines"]
    return found


def test_questions_are_texts_and_photos_under_every_filter(sample: Path) -> None:
    made = questions(sample, 30)
    assert len({one.text for one in made if one.text}) == len({one.image for one in made if one.image}) == 15
    assert {(one.text is None, one.k) for one in made} == {(photo, k) for photo in (True, False) for k in KS}
    assert len({json.dumps(one.filter) for one in made}) == 5
    assert {one.text is None for one in made if one.rank} == {True, False}


def test_the_engine_of_main_memory_agrees_and_writes_are_seen(store: Path, sample: Path) -> None:
    before = (store / OWN).read_bytes()
    result = prove(store, sample, "--engine", "cpu")
    assert result.exit_code == 0, result.output
    (one,) = figures(store)
    assert (one["engine"], one["questions"], one["failures"]) == ("cpu", QUESTIONS, [])
    assert one["largest_score_difference"] < 1e-5
    assert set(one["p50_ms"]) == {"text", "photo"}
    assert set(one["seen_ms"]) == {"upsert", "patch", "delete"}
    assert (store / OWN).read_bytes() == before
    with Database.open(f"sqlite:///{store / OWN}") as database:
        assert database.stored([PROBE]) == []


@pytest.mark.slow
def test_the_gpu_engine_agrees(store: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    result = prove(store, sample)
    assert result.exit_code == 0, result.output
    assert [(one["engine"], one["failures"]) for one in figures(store)] == [("gpu", []), ("cpu", [])]


def test_without_a_gpu_or_a_release_it_says_so(
    store: Path, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    result = prove(store, sample, "--engine", "cpu", "--store", str(tmp_path))
    assert (result.exit_code, "holds no release" in result.output) == (CANNOT_PROVE, True)
    result = prove(store, tmp_path, "--engine", "cpu")
    assert (result.exit_code, "catalogue.jsonl" in result.output) == (CANNOT_PROVE, True)


@pytest.fixture(scope="module")
def twin(store: Path) -> Iterator[Twin]:
    with Twin.of(find_release(store), "", Path()) as twin:
        yield twin


@pytest.fixture
def question(sample: Path) -> Question:
    return replace(questions(sample, 1)[0], k=5)


@pytest.fixture
def right(twin: Twin, question: Question) -> list[tuple[str, float]]:
    assert question.text is not None
    return [(hit.id, hit.score) for hit in twin.pipeline.search([question.text], k=10)[0]]


def answer(hits: list[tuple[str, float]]) -> Answer:
    return Answer(1, 0, tuple(Found(name, score) for name, score in hits))


def test_the_twin_agrees_with_itself_alone(twin: Twin, question: Question, right: list[tuple[str, float]]) -> None:
    own = right[:5]
    assert twin.differs(question, answer(own)) == (None, 0.0)
    wrong = {
        "5 are right": own[:4],
        "some twice": [own[0], *own[:4]],
        "not among": [("nobody", own[0][1]), *own[1:]],
        "scores differ by": [(own[0][0], own[0][1] + 0.01), *own[1:]],
        "below the twin's 5th": right[5:],
        "not in the order": own[::-1],
    }
    for said, given in wrong.items():
        told, _ = twin.differs(question, answer(given))
        assert told is not None
        assert said in told


def test_a_store_without_a_catalogue_has_none_to_copy(tmp_path: Path) -> None:
    assert not copied_catalogue(tmp_path, tmp_path)
