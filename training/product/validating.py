"""How well held-out pairs are found: the figure that training stops by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.product.data import Products, Tasks
from training.product.drawing import Task
from training.product.student import Student

CUTOFF = 10
_MOST_QUERIES = 2_000
_SCORES_AT_ONCE = 1 << 24
_PRODUCTS_AT_ONCE = 8_192

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Question:
    """What is asked of a task.

    Attributes:
        query: place of a product.
        category: the target category where one is asked for; -1 where none is.
        wanted: (targets,) places of the right answers.
        barred: (others,) places that cannot be an answer, such as those that training was told.
    """

    query: int
    category: int
    wanted: Codes
    barred: Codes


@torch.no_grad()
def vectors_of(student: Student, products: Products) -> Tensor:
    """Encode a whole catalogue in evaluation mode; (products, dim)."""
    student.eval()
    starts = range(0, len(products), _PRODUCTS_AT_ONCE)
    found = [student.encoder(*(part[at : at + _PRODUCTS_AT_ONCE] for part in products.inputs)) for at in starts]
    student.train()
    return torch.cat(found)


@torch.no_grad()
def recall(student: Student, products: Products, vectors: Tensor, questions: list[Question]) -> float:
    """Mean share of the right answers, at most ten, that are among the ten best; 0 without questions."""
    found: list[float] = []
    at_once = max(1, _SCORES_AT_ONCE // max(1, len(products)))
    for start in range(0, len(questions), at_once):
        part = questions[start : start + at_once]
        scores = _scores(student, products, vectors, part)
        for row, question in enumerate(part):
            scores[row, torch.from_numpy(question.barred)] = -torch.inf
        best = scores.topk(min(CUTOFF, scores.shape[1])).indices.cpu().numpy()
        found += [
            len(np.intersect1d(top, question.wanted)) / min(CUTOFF, len(question.wanted))
            for top, question in zip(best, part, strict=True)
        ]
    return float(np.mean(found)) if found else 0.0


def _scores(student: Student, products: Products, vectors: Tensor, questions: list[Question]) -> Tensor:
    asked = vectors[[question.query for question in questions]]
    aims = torch.tensor([question.category for question in questions], device=vectors.device)
    if len(aims) == 0 or int(aims[0]) < 0:
        return asked @ vectors.T
    described = student.complement.targets(student.encoder.category, products.levels[aims])
    scores: Tensor = student.complement(asked, described) @ vectors.T
    return scores.masked_fill(products.category[None, :] != aims[:, None], -torch.inf)


@dataclass(frozen=True)
class Exam:
    """Held-out questions of both tasks.

    Attributes:
        similar: without a category.
        complement: one for each product and target category.
    """

    similar: list[Question]
    complement: list[Question]

    @classmethod
    def of(cls, held: Tasks, told: Tasks | None, category: Tensor, seed: int) -> Exam:
        """Make questions of held-out pairs, at most 2,000 a task, drawn by seed.

        Args:
            held: the pairs that are asked for.
            told: pairs whose answers are barred, since training was told them; None where the held-out pairs are of
                another time, in which the same may well be bought again.
            category: (products,) category of each product.
            seed: of the draw.
        """
        categories = category.cpu().numpy()
        none = np.full(len(categories), -1, np.int64)
        return cls(
            _questions(held.similar, told.similar if told else None, none, seed),
            _questions(held.complement, told.complement if told else None, categories, seed),
        )

    def figures(self, student: Student, products: Products) -> dict[str, float]:
        """Recall@10 of each task, and their mean, by which the best epoch is chosen; nothing without questions."""
        if not (self.similar or self.complement):
            return {}
        vectors = vectors_of(student, products)
        asked = {"similar_recall": self.similar, "complement_recall": self.complement}
        found = {name: recall(student, products, vectors, questions) for name, questions in asked.items() if questions}
        return found | {"figure": float(np.mean(list(found.values())))}


def _questions(held: Task, told: Task | None, category: Codes, seed: int) -> list[Question]:
    known = _answers(told, category) if told is not None else {}
    wanted = _answers(held, category)
    chosen = np.random.default_rng([seed, 2]).permutation(len(wanted))[:_MOST_QUERIES]
    keys = sorted(wanted)
    return [
        Question(query, aim, wanted[query, aim], np.append(known.get((query, aim), np.empty(0, np.int64)), query))
        for query, aim in (keys[place] for place in np.sort(chosen))
    ]


def _answers(task: Task, category: Codes) -> dict[tuple[int, int], Codes]:
    """Targets by query and their category, for both directions of each pair."""
    query, target = np.concatenate([task.query, task.target]), np.concatenate([task.target, task.query])
    order = np.lexsort((target, category[target], query))
    query, target = query[order], target[order]
    aim = category[target]
    starts = np.flatnonzero(np.r_[True, (np.diff(query) != 0) | (np.diff(aim) != 0)])[: len(query)]
    parts = np.split(target, starts[1:]) if len(query) else []
    return {(int(query[at]), int(aim[at])): np.unique(part) for at, part in zip(starts.tolist(), parts, strict=True)}
