from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.watching.errors import BadQuestions
from deploy.watching.questions import Question, QuestionSet, read_questions


def write(store: Path, *rows: Any, recall: Any = 0.97, version: int = 1) -> Path:
    folder = store / "releases" / "0002" / "baseline"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "0001.jpg").write_bytes(b"photo")
    (folder.parent / "secret.jpg").write_bytes(b"not of the questions")
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    (folder / "questions.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "baseline.json").write_text(json.dumps({"format": version, "recall_at_10": recall}))
    return folder


def test_texts_and_photos_are_read_with_the_recall_of_the_release(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {"text": "red mug", "products": ["M1", "M2", "M1"]},
        {"image": "photos/0001.jpg", "products": ["M3"]},
    )
    assert read_questions(tmp_path, 2) == QuestionSet(
        (
            Question("red mug", None, ("M1", "M2")),
            Question(None, folder / "photos" / "0001.jpg", ("M3",)),
        ),
        0.97,
    )


def test_a_separator_within_a_text_ends_no_line_and_questions_are_known_by_their_line(tmp_path: Path) -> None:
    text = "red\u2028mug\x85\x0c"
    write(
        tmp_path,
        json.dumps({"text": text, "products": ["M1"]}, ensure_ascii=False),
        "",
        {"text": "a", "products": ["M"]},
    )
    questions = read_questions(tmp_path, 2)
    assert questions is not None
    assert [(one.text, one.label) for one in questions.questions] == [(text, "question 1"), ("a", "question 3")]


def test_a_release_without_questions_has_none(tmp_path: Path) -> None:
    assert read_questions(tmp_path, 2) is None
    write(tmp_path, recall=None)
    assert read_questions(tmp_path, 2) is None


def test_every_line_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    write(
        tmp_path,
        "{",
        {"text": " ", "products": ["M1"]},
        {"text": "mug", "image": "photos/0001.jpg", "products": ["M1"]},
        {"text": "mug"},
        {"image": "../secret.jpg", "products": ["M1"]},
        {"image": "/etc/passwd", "products": ["M1"]},
        {"text": "mug", "products": ["M1"], "weight": 2},
    )
    with pytest.raises(BadQuestions) as raised:
        read_questions(tmp_path, 2)
    assert [problem.partition(":")[0] for problem in raised.value.problems] == [f"line {n}" for n in range(1, 8)]
    told = str(raised.value)
    assert "line 5: image = '../secret.jpg'; allowed: the path of a file inside" in told
    assert "line 7: weight = 2; no such key; allowed: text, image, products" in told


@pytest.mark.parametrize(("recall", "version"), [(1.2, 1), (None, 1), (True, 1), (0.5, 2)])
def test_a_baseline_that_says_no_recall_is_refused(tmp_path: Path, recall: Any, version: int) -> None:
    write(tmp_path, {"text": "mug", "products": ["M1"]}, recall=recall, version=version)
    with pytest.raises(BadQuestions, match=r"baseline\.json"):
        read_questions(tmp_path, 2)
