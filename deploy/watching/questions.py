"""Questions with known answers, which a release brings with it: ``releases/NNNN/baseline``.

``questions.jsonl`` has one a line, ``baseline.json`` the recall@10 that the release itself reached when it was made:

    {"text": "red mug", "products": ["M1"]}
    {"image": "photos/0001.jpg", "products": ["M7", "M9"]}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.watching.errors import BadQuestions
from ensemble.release import release_folder

FOLDER = "baseline"
QUESTIONS = "questions.jsonl"
BASELINE = "baseline.json"
FORMAT = 1
_KEYS = ("text", "image", "products")


@dataclass(frozen=True)
class Question:
    """One question.

    Args:
        text: What is asked in words; None for a photo.
        image: File of the photo; None for a text.
        products: Ids of the right products, at least one.
        line: Its line in the file, from 1: a reader finds it by that, as texts of shoppers are shown nowhere.
    """

    text: str | None
    image: Path | None
    products: tuple[str, ...]
    line: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if (self.text is None) == (self.image is None):
            raise ValueError(f"exactly one of `text` and `image` must be given, got {self.text!r} and {self.image!r}")
        if not self.products:
            raise ValueError("`products` must name at least one product")

    @property
    def label(self) -> str:
        """What a reader finds it by."""
        return f"question {self.line}"


@dataclass(frozen=True)
class QuestionSet:
    """The questions of a release.

    Args:
        questions: At least one.
        recall_at_10: Mean share of a question's right products, at most ten, among the first ten that the release
            found when it was made.
    """

    questions: tuple[Question, ...]
    recall_at_10: float


def read_questions(store: Path, release: int) -> QuestionSet | None:
    """The questions of a release; None where it was made without, or none was known.

    Raises:
        BadQuestions: A file cannot be read, or lines are not valid; lists every problem.
    """
    folder = release_folder(store, release) / FOLDER
    path = folder / QUESTIONS
    try:
        # Not splitlines: texts may hold U+2028 and others of its kind, which end no line of JSON.
        lines = path.read_text("utf-8").split("\n")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadQuestions(path, [f"cannot be read: {error}"]) from error
    rows = [(number, _row(line)) for number, line in enumerate(lines, 1) if line.strip()]
    problems = [f"line {number}: {problem}" for number, row in rows for problem in _problems(row, folder)]
    if problems:
        raise BadQuestions(path, problems)
    if not rows:
        return None
    return QuestionSet(tuple(_question(row, folder, number) for number, row in rows), _recall(folder / BASELINE))


def _recall(path: Path) -> float:
    try:
        content = json.loads(path.read_text("utf-8"))
        version, recall = content.get("format"), content.get("recall_at_10")
    except (OSError, ValueError, AttributeError) as error:
        raise BadQuestions(path, [f"cannot be read: {error}"]) from error
    problems = [] if version == FORMAT else [f"format = {version!r}; allowed: {FORMAT}"]
    if not (isinstance(recall, int | float) and not isinstance(recall, bool) and 0.0 <= recall <= 1.0):
        problems.append(f"recall_at_10 = {recall!r}; allowed: a number from 0 to 1")
    if problems:
        raise BadQuestions(path, problems)
    return float(recall)


def _row(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return line


def _problems(row: Any, folder: Path) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{_shown(row)}; allowed: a JSON object"
        return
    for key in row:
        if key not in _KEYS:
            yield f"{key} = {_shown(row[key])}; no such key; allowed: {', '.join(_KEYS)}"
    if ("text" in row) == ("image" in row):
        yield f"{_shown(row)}; allowed: exactly one of text and image"
    if "text" in row and not (isinstance(row["text"], str) and row["text"].strip()):
        yield f"text = {_shown(row['text'])}; allowed: a string that is not empty"
    if "image" in row and not _is_inside(row["image"], folder):
        yield f"image = {_shown(row['image'])}; allowed: the path of a file inside {folder}"
    products = row.get("products")
    if not (isinstance(products, list) and products and all(isinstance(name, str) and name for name in products)):
        yield f"products = {_shown(products)}; allowed: a list of at least one id"


def _is_inside(image: Any, folder: Path) -> bool:
    if not isinstance(image, str) or not image or "\x00" in image:
        return False
    path = (folder / image).resolve()
    return path.is_relative_to(folder.resolve()) and path.is_file()


def _question(row: Mapping[str, Any], folder: Path, line: int) -> Question:
    image = folder / row["image"] if "image" in row else None
    return Question(row.get("text"), image, tuple(dict.fromkeys(row["products"])), line)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
