"""Asks a release its known queries, in process, and writes down what the models would note of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from catalogue.errors import shown
from ensemble.errors import InvalidInput
from ensemble.found import rectangle
from ensemble.observing import (
    AnswerFeatures,
    Columns,
    Features,
    PictureFeatures,
    TextFeatures,
    columns_of,
    write_columns,
)
from ensemble.pipeline import Pipeline
from ensemble.query import DEFAULT_K
from ensemble.release import Figure
from export.baseline.known import Known, Photo, Question
from export.errors import BadEvaluation

BASELINE = "baseline"
FORMAT = 1
K = 10
_BATCH = 32
# What shoppers typed is for the owner alone, as the samples of live requests are.
_PRIVATE = 0o600

Item = TypeVar("Item")
Row = dict[str, Any]


def make_baseline(folder: Path, pipeline: Pipeline, known: Known) -> dict[str, Figure]:
    """Write the baseline of a release into a folder that is made here.

    Args:
        folder: Where.
        pipeline: The release.
        known: Its queries and questions.

    Raises:
        BadEvaluation: Serving refuses a query; names it.

    Returns:
        For the manifest: how many ``texts`` and ``photos`` were noted, how many ``questions`` have a known answer, and
        ``recall_at_10``, the share of the answers that the release finds among its first ten; absent without questions.
    """
    folder.mkdir()
    for model, columns in note(pipeline, known.texts, known.photos).items():
        write_columns(folder / f"{model}.npz", columns, mode=_PRIVATE)
    _write_questions(folder, known.questions)
    recall = _recall(pipeline, known.questions)
    noted_queries: dict[str, Figure] = {"texts": len(known.texts), "photos": len(known.photos)}
    facts = {
        "format": FORMAT,
        "recall_at_10": recall,
        "questions": len(known.questions),
        "source": ", ".join(f"{kind} of the {source}" for kind, source in known.sources.items()),
        "repeats": known.repeats,
        "statistics": noted_queries,
    }
    (folder / "baseline.json").write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
    figures = noted_queries | {"questions": len(known.questions)}
    return figures if recall is None else figures | {"recall_at_10": recall}


def note(pipeline: Pipeline, texts: Sequence[str], photos: Sequence[Photo]) -> dict[str, Columns]:
    """What the models of a release note of queries, by model, texts first; a model that is not asked is absent.

    Raises:
        BadEvaluation: Serving refuses a query; names it.
    """
    noted: dict[str, list[Row]] = {"text_preprocess": [], "image_preprocess": [], "retrieve": []}
    for some in _batches(texts):
        _note_texts(pipeline, some, noted)
    for some_photos in _batches(photos):
        _note_photos(pipeline, some_photos, noted)
    # Of what is different already the key is its number: a hash is another in every process.
    numbered = {
        model: [row | ({"key": place} if "key" in row else {}) for place, row in enumerate(rows)]
        for model, rows in noted.items()
    }
    return {model: columns_of(rows) for model, rows in numbered.items() if rows}


def _note_texts(pipeline: Pipeline, texts: Sequence[str], noted: Mapping[str, list[Row]]) -> None:
    encoders = pipeline.encoders
    with _named([shown(text) for text in texts]):
        tokens = encoders.text(texts)
    outputs: dict[str, NDArray[Any]] = {"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}
    features = TextFeatures(encoders.text.unknown, encoders.text.settings.max_tokens)
    noted["text_preprocess"] += _rows(features, {"TEXT": np.array(texts, object)}, outputs, len(texts))
    noted["retrieve"] += _answers(pipeline, "TEXT_VECTOR", encoders.text_tower.encode(outputs))


def _note_photos(pipeline: Pipeline, photos: Sequence[Photo], noted: Mapping[str, list[Row]]) -> None:
    encoders = pipeline.encoders
    pictures = [photo.data for photo in photos]
    with _named([photo.name for photo in photos]):
        outputs = {"PIXELS": encoders.image(pictures)}
    noted["image_preprocess"] += _rows(PictureFeatures(), {"IMAGE": np.array(pictures, object)}, outputs, len(photos))
    noted["retrieve"] += _answers(pipeline, "IMAGE_VECTOR", encoders.vision_tower.encode(outputs))


@contextmanager
def _named(names: Sequence[str]) -> Iterator[None]:
    """Say which of the queries serving refuses."""
    try:
        yield
    except InvalidInput as error:
        raise BadEvaluation(f"{names[error.row or 0]}: cannot be served: {error.problem}") from error


def _answers(pipeline: Pipeline, name: str, vectors: NDArray[np.float32]) -> list[Row]:
    (answer,) = pipeline.retrieval.answer([{name: vectors}], documents=[False])
    if isinstance(answer, Exception):
        raise answer
    space = pipeline.retrieval.space
    features = AnswerFeatures(space.text_dim, space.image_dim, DEFAULT_K)
    return _rows(features, {name: vectors}, rectangle(answer), len(vectors))


def _rows(features: Features, inputs: Mapping[str, Any], outputs: Mapping[str, Any], count: int) -> list[Row]:
    return [features(inputs, outputs, row) for row in range(count)]


def _write_questions(folder: Path, questions: Sequence[Question]) -> None:
    lines = []
    for number, question in enumerate(questions, start=1):
        if question.photo is None:
            asked = {"text": question.text}
        else:
            asked = {"image": f"photos/{number:04d}.jpg"}
            (folder / "photos").mkdir(exist_ok=True)
            _write(folder / "photos" / f"{number:04d}.jpg", question.photo)
        lines.append(json.dumps({**asked, "products": question.products}) + "\n")
    _write(folder / "questions.jsonl", "".join(lines).encode())


def _write(path: Path, data: bytes) -> None:
    path.touch(_PRIVATE)
    path.write_bytes(data)


def _recall(pipeline: Pipeline, questions: Sequence[Question]) -> float | None:
    """Mean share of the right answers, of at most ``K`` that fit, among the first ``K``."""
    shares = [
        len(found & set(question.products)) / min(K, len(question.products))
        for asked in (
            [question for question in questions if question.photo is None],
            [question for question in questions if question.photo is not None],
        )
        for batch in _batches(asked)
        for question, found in zip(batch, _found(pipeline, batch), strict=True)
    ]
    return round(float(np.mean(shares)), 4) if shares else None


def _found(pipeline: Pipeline, questions: Sequence[Question]) -> list[set[str]]:
    """Ids of the first ``K`` products for each; all of one kind."""
    texts = [question.text for question in questions if question.text is not None]
    photos = [question.photo for question in questions if question.photo is not None]
    answers = pipeline.search(texts or None, photos or None, k=K)
    return [{hit.id for hit in hits} for hits in answers]


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
