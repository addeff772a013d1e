"""Everything that decides a product tower, besides the data."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from training.errors import TrainingInputError
from training.product.shape import TowerShape
from training.product.vocabulary import Vocabulary


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights, besides the data.

    Attributes:
        shape: sizes of the tower.
        vocabulary: what its features know.
        epochs: at most; each is ``steps`` batches and one look at the validation pairs.
        steps: batches an epoch.
        batch_size: pairs a step, of each task.
        negatives: products drawn uniformly from the catalogue a step, beside those of the batch.
        temperature: of the softmax; cosine scores are divided by it.
        learn_temperature: whether it is a parameter that is trained too.
        learning_rate: peak, reached after ``warmup`` steps, then a cosine down to zero.
        warmup: steps.
        weight_decay: of matrices; not of biases and norms.
        dropout: share of the products whose block is hidden, block by block.
        min_count: baskets that a pair must share to be learned from.
        weight_power: a pair is drawn with a probability proportional to its weight to this power; see ``Pairs.weight``.
        across: weight of co-purchases across categories among the pairs of "similar"; all others count 1.
        complement_weight: of the complement loss; "similar" counts 1.
        category_weight: of the loss that reconstructs the target category.
        validation: share of the pairs held out where no validation pairs are given.
        patience: epochs without a better figure before training stops.
        seed: of weights, batches, drops and the held-out pairs.
    """

    shape: TowerShape = field(default_factory=TowerShape)
    vocabulary: Vocabulary = field(default_factory=Vocabulary)
    epochs: int = 12
    steps: int = 200
    batch_size: int = 256
    negatives: int = 512
    temperature: float = 0.05
    learn_temperature: bool = False
    learning_rate: float = 2e-3
    warmup: int = 100
    weight_decay: float = 0.02
    dropout: float = 0.1
    min_count: int = 2
    weight_power: float = 1.0
    across: float = 0.1
    complement_weight: float = 1.0
    category_weight: float = 0.1
    validation: float = 0.05
    patience: int = 3
    seed: int = 7

    def __post_init__(self) -> None:
        problems = [
            f"{name}: got {getattr(self, name)}, must be at least {least}"
            for name, least in (("epochs", 1), ("steps", 1), ("batch_size", 1), ("min_count", 1), ("patience", 1))
            if getattr(self, name) < least
        ]
        problems += [
            f"{name}: got {getattr(self, name)}, must be a number of at least 0"
            for name in ("negatives", "weight_decay", "weight_power", "across", "complement_weight", "category_weight")
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0)
        ]
        problems += [
            f"{name}: got {getattr(self, name)}, must be at least 0 and below 1"
            for name in ("dropout", "validation")
            if not 0 <= getattr(self, name) < 1
        ]
        problems += [
            f"{name}: got {getattr(self, name)}, must be above 0"
            for name in ("temperature", "learning_rate")
            if not getattr(self, name) > 0
        ]
        if problems:
            raise TrainingInputError("; ".join(problems))

    def rate(self, step: int) -> float:
        """Learning rate of ``step``, 0-based."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.epochs * self.steps - self.warmup)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)
