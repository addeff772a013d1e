"""Trains a product tower and its complement head."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import DataLoader

from sample.progress import bar
from training.product.data import Catalogue, Products, Tasks, sample_of, tasks_of
from training.product.drawing import Batch, Batches
from training.product.losses import log_inclusion
from training.product.pairs import Pairs
from training.product.recipe import Recipe
from training.product.run import Figures, Keeping, Progress, Run
from training.product.student import Student
from training.product.trained import Trained
from training.product.validating import Exam


def train(
    pairs: Pairs,
    catalogue: Catalogue,
    rows: NDArray[np.float32],
    recipe: Recipe,
    run: Run | None = None,
    *,
    validation: Pairs | None = None,
    image_dim: int = 0,
) -> Trained:
    """Train a tower; a checkpoint of the same recipe and data under ``run.work`` is resumed.

    Args:
        pairs: what was bought or viewed together.
        catalogue: products as ``catalogue.Product.as_dict`` gives them; those without pairs are negatives.
        rows: (products, text_dim + image_dim) the rows of an index, in the order of the catalogue.
        recipe: everything that decides the weights, besides the data.
        run: where it is made; without checkpoints, progress or a GPU by default.
        validation: pairs of a later time to stop by; by default a share of ``pairs`` is held out.
        image_dim: length of the picture half of the rows; 0 where they have none.

    Raises:
        TrainingInputError: the data cannot be trained on; names what and why.
        CheckpointError: the checkpoint is of another recipe, other data or another version of the code.
    """
    run = run or Run()
    settings = recipe.vocabulary.settings(catalogue, rows.shape[1] - image_dim, image_dim)
    products = Products.of(catalogue, rows, settings)
    tasks = tasks_of(pairs, catalogue, recipe)
    if validation is None:
        told, held = tasks.split(recipe.validation, recipe.seed)
        exam = Exam.of(held, told, products.category, recipe.seed)
    else:
        told = tasks
        exam = Exam.of(tasks_of(validation, catalogue, recipe), None, products.category, recipe.seed)
    torch.manual_seed(recipe.seed)
    student = Student(settings, recipe)
    student.encoder.start_from(products.inputs[0])
    fit = Fit(student, products, told, exam, recipe, run)
    progress = fit.run()
    student.load_state_dict(progress.best)
    places = {name: count for name, count in pairs.popularity().items() if count}
    popularity = {name: places[name] for name in products.ids if name in places}
    has_complement = bool(len(told.complement)) and recipe.complement_weight > 0
    return Trained(
        student.cpu().eval(),
        recipe,
        popularity,
        has_complement,
        tuple(progress.epochs),
        progress.best_epoch,
        sample_of(catalogue, rows[:, : settings.row_dim]),
    )


class Fit:
    """One training run, epoch by epoch.

    Args:
        student: trained in place.
        products: the catalogue.
        tasks: pairs to learn from.
        exam: what each epoch is judged by.
        recipe: everything that decides the weights.
        run: where it is made.
    """

    def __init__(
        self, student: Student, products: Products, tasks: Tasks, exam: Exam, recipe: Recipe, run: Run
    ) -> None:
        self._device = run.on()
        self._student, self._products = student.to(self._device), products.to(self._device)
        self._exam, self._recipe, self._run = exam, recipe, run
        pairs, total = (tasks.similar, tasks.complement), len(products)
        negatives = min(recipe.negatives, total)
        self._batches = Batches(pairs, total, recipe.batch_size, negatives, recipe.seed)
        drawn = [(task.touching(total), recipe.batch_size) for task in pairs]
        self._log_q = log_inclusion(drawn, negatives).to(self._device)
        self._optimizer = optimizer_of(student, recipe)
        self._keeping = Keeping(run.work, identity_of(recipe, products, tasks, exam))

    def run(self) -> Progress:
        """Train to the end, or until the figure has not grown for ``patience`` epochs."""
        progress = self._keeping.resume(self._student, self._optimizer)
        steps = self._recipe.epochs * self._recipe.steps
        shown = bar(self._run.console) if self._run.console else None
        with shown or nullcontext():
            task = shown.add_task("steps", total=steps, completed=progress.steps) if shown else None
            batches = self._drawn(progress.steps, steps)
            while progress.steps < steps and not self._is_done(progress):
                sums: Figures = {}
                for _ in range(self._recipe.steps):
                    self._step(next(batches), progress.steps, sums)
                    progress.steps += 1
                    if shown and task is not None:
                        shown.advance(task)
                self._end_of_epoch(progress, sums)
        return progress

    def _is_done(self, progress: Progress) -> bool:
        return len(progress.epochs) - progress.best_epoch >= self._recipe.patience

    def _drawn(self, start: int, steps: int) -> Iterator[Batch]:
        workers = self._run.workers
        numbers = range(start, steps)
        loader = DataLoader(
            self._batches,
            batch_size=None,
            sampler=numbers,
            num_workers=workers,
            prefetch_factor=4 if workers else None,
        )
        return iter(loader)

    def _step(self, batch: Batch, step: int, sums: Figures) -> None:
        # Drops depend on the step alone, so that a resumed run makes the same ones.
        torch.manual_seed(self._recipe.seed + 1 + step)
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.rate(step)
        there = batch.to(self._device)
        losses = self._student.losses(there, self._products, self._log_q[there.products])
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        nn.utils.clip_grad_norm_(self._student.parameters(), 1.0)
        self._optimizer.step()
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss.item() / self._recipe.steps

    def _end_of_epoch(self, progress: Progress, sums: Figures) -> None:
        found = self._exam.figures(self._student, self._products)
        temperature = self._student.temperature.item()
        figures = {
            "epoch": len(progress.epochs) + 1,
            "steps": progress.steps,
            "temperature": temperature,
            **sums,
            **found,
        }
        progress.add({name: round(value, 5) for name, value in figures.items()}, self._student)
        self._keeping.keep(progress, self._student, self._optimizer)
        if self._run.console:
            self._run.console.print("  ".join(f"{name} {value}" for name, value in progress.epochs[-1].items()))


def optimizer_of(student: Student, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW that lets matrices decay, and biases, norms and the temperature alone."""
    trained = [parameter for parameter in student.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def identity_of(recipe: Recipe, products: Products, tasks: Tasks, exam: Exam) -> str:
    """What a checkpoint is of: the recipe, the code, and a hash of products, rows, pairs and held-out questions."""
    digest = hashlib.blake2b(json.dumps(products.ids).encode(), digest_size=16)
    for tensor in products.inputs:
        digest.update(tensor.numpy().tobytes())
    for task in (tasks.similar, tasks.complement):
        for array in (task.query, task.target, task.weight):
            digest.update(array.tobytes())
    for question in (*exam.similar, *exam.complement):
        asked = (question.query, question.category, question.wanted.tolist(), question.barred.tolist())
        digest.update(json.dumps(asked).encode())
    identity = {"recipe": recipe.as_dict(), "data": digest.hexdigest(), "torch": torch.__version__, "code": _code()}
    return json.dumps(identity)


def _code() -> str:
    """Hash of this package's modules: a run is not taken up by code that may train otherwise."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
