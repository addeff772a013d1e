"""A linear head that brings a frozen backbone into the locked text space.

Locked-image, locked-text alignment: neither tower changes, a linear layer learns to agree with both the products' texts
and their catalogue pictures (contrastive over all products; LiT, arXiv:2111.07991, with the sides swapped).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from training.losses import bank_loss


@dataclass(frozen=True)
class HeadRecipe:
    """Everything that decides the head, besides the data.

    Attributes:
        epochs: passes over the photos.
        batch_size: photos a step.
        learning_rate: of AdamW, down to zero by a cosine.
        weight_decay: of AdamW.
        text_scale: inverse temperature of photo and picture against the texts.
        pair_scale: inverse temperature of photo against catalogue pictures.
        pair_weight: how much photo against picture counts; photo against text counts 1.
        dropout: share of the features that a step does not see.
        seed: of the order, the views and the weights.
    """

    epochs: int = 40
    batch_size: int = 128
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    text_scale: float = 20.0
    pair_scale: float = 20.0
    pair_weight: float = 1.0
    dropout: float = 0.3
    seed: int = 7


@dataclass(frozen=True)
class AlignmentData:
    """What a head is trained on.

    Attributes:
        photos: (photos, views, dim) features.
        targets: (photos,) product of each photo.
        pictures: (products, views, dim) features of the catalogue pictures.
        texts: (products, text_dim) text vectors of length 1.
    """

    photos: NDArray[np.float32]
    targets: NDArray[np.int64]
    pictures: NDArray[np.float32]
    texts: NDArray[np.float32]

    def only(self, chosen: NDArray[np.int64]) -> AlignmentData:
        """Keep the photos at ``chosen``; the products stay."""
        return AlignmentData(self.photos[chosen], self.targets[chosen], self.pictures, self.texts)


class Head(nn.Module):
    """Standardise, drop, project, normalise; ``folded`` gives the one linear layer that this is in the end."""

    def __init__(self, features: Tensor, text_dim: int, dropout: float) -> None:
        super().__init__()
        self.shift = nn.Buffer(features.mean(0))
        self.scale = nn.Buffer(1.0 / (features.std(0) + 1e-3))
        self.drop = nn.Dropout(dropout)
        self.linear = nn.Linear(features.shape[1], text_dim)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, dim) to (batch, text_dim) of length 1."""
        return functional.normalize(self.linear(self.drop((features - self.shift) * self.scale)), dim=-1)

    @torch.no_grad()
    def folded(self) -> dict[str, Tensor]:
        """Return ``weight`` (text_dim, dim) and ``bias`` (text_dim,) with the standardisation inside."""
        weight = self.linear.weight * self.scale
        return {"weight": weight.contiguous(), "bias": (self.linear.bias - weight @ self.shift).contiguous()}


def _views(features: Tensor, rng: torch.Generator) -> Tensor:
    """Choose one view of each row at random; (rows, dim)."""
    rows = torch.arange(len(features))
    return features[rows, torch.randint(features.shape[1], (len(features),), generator=rng)]


def fit(data: AlignmentData, recipe: HeadRecipe) -> Head:
    """Train a head; seconds on a CPU."""
    torch.manual_seed(recipe.seed)
    rng = torch.Generator().manual_seed(recipe.seed)
    photos, pictures, texts = (torch.from_numpy(a) for a in (data.photos, data.pictures, data.texts))
    targets = torch.from_numpy(data.targets)
    head = Head(torch.cat([photos[:, 0], pictures[:, 0]]), texts.shape[1], recipe.dropout)
    optimizer = torch.optim.AdamW(head.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-len(photos) // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    scales = torch.tensor(recipe.text_scale), torch.tensor(recipe.pair_scale)
    everything = torch.arange(len(texts))
    for _ in range(recipe.epochs):
        order = torch.randperm(len(photos), generator=rng)
        for at in range(0, len(photos), recipe.batch_size):
            chosen = order[at : at + recipe.batch_size]
            shown, iconic = head(_views(photos[chosen], rng)), head(_views(pictures, rng))
            loss = bank_loss(shown, texts, targets[chosen], scales[0]) + bank_loss(iconic, texts, everything, scales[0])
            loss = loss + recipe.pair_weight * bank_loss(shown, iconic, targets[chosen], scales[1])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
    return head.eval()


@torch.no_grad()
def scores(head: Head, data: AlignmentData, weights: tuple[float, float]) -> NDArray[np.float32]:
    """Score every photo against every product as the index does: text half and picture half; (photos, products)."""
    shown = head(torch.from_numpy(data.photos[:, 0]))
    iconic = head(torch.from_numpy(data.pictures[:, 0]))
    text, picture = shown @ torch.from_numpy(data.texts).T, shown @ iconic.T
    result: NDArray[np.float32] = (weights[0] * text + weights[1] * picture).numpy()
    return result


def top(scored: NDArray[np.float32], targets: NDArray[np.int64], k: int) -> float:
    """Return the share of rows whose target is among the ``k`` best columns."""
    best = np.argsort(-scored, axis=1, kind="stable")[:, :k]
    return float((best == targets[:, None]).any(axis=1).mean())


def cross_validated(
    data: AlignmentData, recipe: HeadRecipe, weights: list[tuple[float, float]], folds: int = 4
) -> dict[tuple[float, float], float]:
    """Return top-1 over photos left out of training, for each pair of weights; whole blocks of photos are left out.

    Photos of one product were taken one after another, so neighbours look alike: folds are blocks, not random picks.
    """
    fold = np.zeros(len(data.targets), dtype=np.int64)
    for product in np.unique(data.targets):
        places = np.flatnonzero(data.targets == product)
        fold[places] = np.arange(len(places)) * folds // len(places)
    hits: dict[tuple[float, float], list[float]] = {pair: [] for pair in weights}
    for left_out in range(folds):
        head = fit(data.only(np.flatnonzero(fold != left_out)), recipe)
        test = data.only(np.flatnonzero(fold == left_out))
        for pair in weights:
            hits[pair].append(top(scores(head, test, pair), test.targets, 1))
    return {pair: float(np.mean(values)) for pair, values in hits.items()}


def write(head: Head, path: Path) -> None:
    """Write the folded head as safetensors: ``weight`` (text_dim, dim) and ``bias`` (text_dim,)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(head.folded(), path)
