"""Runs inputs and products through the reference and the candidates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalogue import CatalogueError
from ensemble.errors import InvalidInput
from export.errors import BadEvaluation
from export.gate.fidelity import require_sound
from export.gate.independence import Company, companies, distances
from export.gate.preparation import Feed, Preparation, Prepared
from export.gate.subject import Subject
from export.gate.trial import Item, Raw, Trial
from export.reference import Floats, Reference

BATCH = 32

Advance = Callable[[int], None]
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Asked:
    """The held-out inputs, ready to be encoded.

    Args:
        raws: As they are.
        labels: What a reader knows each as.
        alone: Each in a batch of its own, as served.
        among: All in batches with others.
        reference: ``(inputs, dim)`` by the FP32 reference.
        differences: ``(inputs,)`` between what is served and its twin; see ``Prepared``.
    """

    raws: tuple[Raw, ...]
    labels: tuple[str, ...]
    alone: tuple[Feed, ...]
    among: tuple[Company, ...]
    reference: Floats
    differences: Values


@dataclass(frozen=True)
class Found:
    """The products to find, encoded.

    Args:
        truth: ``(products, dim)`` by FP32.
        by_subject: The same by each candidate.
        differences: ``(products,)`` between what is served and its twin; see ``Prepared``.
    """

    truth: Floats
    by_subject: list[Floats]
    differences: Values


@dataclass(frozen=True)
class Evidence:
    """What one candidate answered.

    Args:
        alone: ``(inputs, dim)``, each input in a batch of its own.
        moved: ``(inputs,)``, how far each moved in company.
        corpus: ``(products, dim)``.
    """

    alone: Floats
    moved: Values
    corpus: Floats


def ask(trial: Trial, preparation: Preparation, reference: Reference) -> Asked:
    """Prepare the inputs both ways and ask the reference.

    Raises:
        BadEvaluation: An input cannot be read or is refused, or the reference's vectors are not sound.
    """
    raws = tuple(_read(item) for item in trial.inputs)
    labels = tuple(item.label for item in trial.inputs)
    prepared = [_prepared([item], [raw], preparation) for item, raw in zip(trial.inputs, raws, strict=True)]
    truth = np.concatenate([reference(one.wanted) for one in prepared])
    require_sound(truth, labels, of=f"{trial.kind} tower, the FP32 reference on held-out inputs")
    alone = tuple(one.served for one in prepared)
    sizes = [int(feed["LENGTHS"][0, 0]) if "LENGTHS" in feed else 0 for feed in alone]
    among = tuple(companies(raws, sizes, preparation))
    return Asked(raws, labels, alone, among, truth, np.concatenate([one.differences for one in prepared]))


def answers(subject: Subject, asked: Asked) -> tuple[Floats, Values]:
    """``(inputs, dim)`` vectors alone, and ``(inputs,)`` how far each moves in company."""
    alone = np.concatenate([subject.encode(feed) for feed in asked.alone])
    return alone, distances(alone, asked.among, subject.encode)


def encode_corpus(
    trial: Trial, preparation: Preparation, source: Subject, subjects: Sequence[Subject], advance: Advance
) -> Found:
    """Encode the products by FP32 and by every subject.

    Equal products are encoded once, so that their vectors are equal whatever the batch.

    Args:
        trial: Has the products.
        preparation: Makes the tensors; a batch at a time, as all pictures at once may not fit into memory.
        source: FP32; may be one of the subjects.
        subjects: Who is judged.
        advance: Told how many more batches are done.

    Raises:
        BadEvaluation: A product cannot be read or is refused, or FP32 cannot be run or is not sound.
    """
    # Texts of like length together: each batch is padded to its longest.
    distinct = sorted({item.same: item for item in trial.corpus}.values(), key=lambda item: len(item.same))
    truth: list[Floats] = []
    differences: list[Values] = []
    found: dict[Subject, list[Floats]] = {subject: [] for subject in subjects}
    for start in range(0, len(distinct), BATCH):
        items = distinct[start : start + BATCH]
        prepared = _prepared(items, [_read(item) for item in items], preparation)
        for subject, parts in found.items():
            parts.append(subject.encode(prepared.served))
        same = prepared.wanted is prepared.served
        judged = found.get(source) if same else None
        truth.append(source.encode(prepared.wanted) if judged is None else judged[-1])
        differences.append(prepared.differences)
        advance(1)
    if source.broken:
        raise BadEvaluation(f"{trial.kind} tower: the FP32 graph {source.broken}")
    true_vectors = np.concatenate(truth)
    require_sound(true_vectors, [item.label for item in distinct], of=f"{trial.kind} tower, the FP32 graph on products")
    places = {item.same: at for at, item in enumerate(distinct)}
    order = [places[item.same] for item in trial.corpus]
    by_subject = [np.concatenate(parts)[order] for parts in found.values()]
    return Found(true_vectors[order], by_subject, np.concatenate(differences)[order])


def corpus_batches(trial: Trial) -> int:
    """How often ``encode_corpus`` tells that it advances."""
    return -(-len({item.same for item in trial.corpus}) // BATCH)


def _read(item: Item) -> Raw:
    try:
        return item.read()
    except (OSError, CatalogueError) as error:
        raise BadEvaluation(f"{item.label}: cannot be read: {error}") from error


def _prepared(items: Sequence[Item], raws: Sequence[Raw], preparation: Preparation) -> Prepared:
    try:
        return preparation(raws)
    except InvalidInput as error:
        raise BadEvaluation(f"{items[error.row or 0].label}: cannot be served: {error.problem}") from error
