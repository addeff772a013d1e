"""Contrastive training of the hybrid vision tower against the locked text tower."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sample.progress import bar
from training import checkpoint
from training.batches import Batch, PhotoBatches, normalised
from training.heldout import HeldOut
from training.hybrid import HybridTower
from training.losses import bank_loss, pair_loss, recall_at
from training.shop_cache import ShopCache

_MAX_SCALE = 50.0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the shop.

    Attributes:
        steps: optimiser steps.
        batch_size: products a step; each gives a photo and a catalogue picture.
        learning_rate: peak, reached after ``warmup`` steps, then a cosine down to zero.
        warmup: steps.
        weight_decay: of matrices and convolutions; not of biases, norms and positions.
        pair_weight: how much the photo-to-picture loss counts against the two text losses, which count 1/2 each.
        seed: of weights, batches and photos.
    """

    steps: int = 1000
    batch_size: int = 64
    learning_rate: float = 1.5e-3
    warmup: int = 100
    weight_decay: float = 0.05
    pair_weight: float = 1.0
    seed: int = 1007

    def rate(self, step: int) -> float:
        """Learning rate of ``step``, 0-based."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))


class Student(nn.Module):
    """The tower and its two inverse temperatures (photo to picture, picture to text), kept as logarithms."""

    def __init__(self) -> None:
        super().__init__()
        self.tower = HybridTower()
        self.log_scales = nn.Parameter(torch.full((2,), math.log(20.0)))

    def loss(self, batch: Batch, banks: Sequence[Tensor], number: int, pair_weight: float) -> tuple[Tensor, Tensor]:
        """Return the (text, photo-to-picture) losses of a batch; titles and paraphrases take turns."""
        pixels = torch.cat([batch.photos, batch.pictures]).contiguous(memory_format=torch.channels_last)
        vectors = self.tower(pixels)
        photos, pictures = vectors.chunk(2)
        pair_scale, text_scale = self.log_scales.exp().clamp(max=_MAX_SCALE)
        bank = banks[number // 2 % len(banks)]
        text = bank_loss(vectors, bank, batch.targets.repeat(2), text_scale)
        return text, pair_weight * pair_loss(photos, pictures, pair_scale)


def _optimizer(student: Student, recipe: Recipe) -> torch.optim.AdamW:
    decayed = [p for p in student.parameters() if p.dim() > 1 and p.shape[0] > 1]
    kept = [p for p in student.parameters() if not (p.dim() > 1 and p.shape[0] > 1)]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))


@torch.no_grad()
def embed(tower: nn.Module, pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], batch_size: int = 64) -> Tensor:
    """Embed (n, 96, 96, 3) uint8 pictures with the tower in evaluation mode; (n, dim)."""
    tower.eval()
    return torch.cat([tower(normalised(pixels[at : at + batch_size])) for at in range(0, len(pixels), batch_size)])


def evaluate(tower: nn.Module, held_out: HeldOut) -> dict[str, float]:
    """Return recall@1 and @5 over products that training never saw: photo to picture, and photo to title."""
    pictures, photos = embed(tower, held_out.pictures), embed(tower, held_out.photos)
    tower.train()
    by_picture = recall_at(photos, pictures, held_out.targets, (1, 5))
    by_title = recall_at(photos, held_out.titles, held_out.targets, (1, 5))
    found = {f"photo_picture@{k}": v for k, v in by_picture.items()} | {
        f"photo_title@{k}": v for k, v in by_title.items()
    }
    return {name: round(value, 4) for name, value in found.items()}


def _batches(shop: ShopCache, recipe: Recipe, start: int, workers: int) -> Iterator[Batch]:
    loader = DataLoader(
        PhotoBatches(shop, recipe.batch_size, recipe.seed),
        batch_size=None,
        sampler=range(start, recipe.steps),
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    return iter(loader)


def _step(student: Student, optimizer: torch.optim.Optimizer, losses: tuple[Tensor, Tensor], rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(losses[0] + losses[1])
    nn.utils.clip_grad_norm_(student.parameters(), 1.0)
    optimizer.step()


@dataclass(frozen=True)
class Run:
    """Where a run keeps its checkpoint and log, and how often it writes them."""

    work: Path
    console: Console
    workers: int = 1
    every: int = 125

    @property
    def checkpoint(self) -> Path:
        """The file that a stopped run resumes from."""
        return self.work / "checkpoint.safetensors"

    def log(self, line: dict[str, float]) -> None:
        """Append a line to ``log.jsonl`` and show it."""
        self.work.mkdir(parents=True, exist_ok=True)
        with (self.work / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.console.print("  ".join(f"{name} {value}" for name, value in line.items()))


def train(shop: ShopCache, banks: Sequence[Tensor], held_out: HeldOut, recipe: Recipe, run: Run) -> HybridTower:
    """Train a tower; a checkpoint of the same recipe under ``run.work`` is resumed.

    Args:
        shop: what to train on.
        banks: text vectors of the shop, (count, 384) each: titles, paraphrases.
        held_out: what to report recall on; never trained on.
        recipe: everything that decides the weights.
        run: where to keep the checkpoint and the log.
    """
    torch.manual_seed(recipe.seed)
    student: Student = Student().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = _optimizer(student, recipe)
    name = json.dumps(asdict(recipe) | {"products": len(shop.titles)})
    start = checkpoint.load(run.checkpoint, student, optimizer, name) if run.checkpoint.is_file() else 0
    sums: list[tuple[float, float]] = []
    with bar(run.console) as progress:
        task = progress.add_task("steps", total=recipe.steps, completed=start)
        for number, batch in enumerate(_batches(shop, recipe, start, run.workers), start):
            losses = student.loss(batch, banks, number, recipe.pair_weight)
            _step(student, optimizer, losses, recipe.rate(number))
            sums.append((losses[0].item(), losses[1].item()))
            progress.advance(task)
            if (number + 1) % run.every == 0 or number + 1 == recipe.steps:
                text, pair = np.mean(sums, axis=0).round(4).tolist()
                sums.clear()
                run.log({"step": number + 1, "text_loss": text, "pair_loss": pair} | evaluate(student.tower, held_out))
                checkpoint.save(run.checkpoint, student, optimizer, number + 1, name)
    return student.tower.eval()
