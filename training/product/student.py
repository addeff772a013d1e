"""What is trained: encoder, complement head and temperature, and what a batch costs them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from ensemble.features import FeatureSettings
from training.product.complement import ComplementModule
from training.product.data import Products
from training.product.drawing import Batch
from training.product.losses import sampled_softmax
from training.product.module import ProductEncoder
from training.product.recipe import Recipe

_LEAST_TEMPERATURE, _MOST_TEMPERATURE = 0.02, 0.5


class Student(nn.Module):
    """Encoder, complement head and temperature."""

    def __init__(self, features: FeatureSettings, recipe: Recipe) -> None:
        super().__init__()
        self.encoder = ProductEncoder(features, recipe.shape, recipe.dropout)
        self.complement = ComplementModule(features, recipe.shape)
        self.log_temperature = nn.Parameter(
            torch.tensor(math.log(recipe.temperature)), requires_grad=recipe.learn_temperature
        )
        self._recipe = recipe

    @property
    def temperature(self) -> Tensor:
        """Scalar; what is learned stays within bounds in which a step still teaches something."""
        return self.log_temperature.exp().clamp(_LEAST_TEMPERATURE, _MOST_TEMPERATURE)

    def losses(self, batch: Batch, products: Products, log_q: Tensor) -> dict[str, Tensor]:
        """The loss of each task of a batch, weighted: ``similar``, ``complement`` and ``category``."""
        vectors = self.encoder(*(tensor[batch.products] for tensor in products.inputs))
        (query, mate), (buyer, addition) = zip(batch.queries, batch.targets, strict=True)
        # Query and target share weights, so that a pair teaches both ways.
        found = {"similar": self._similar(vectors, torch.cat([query, mate]), torch.cat([mate, query]), log_q)}
        if len(buyer) and self._recipe.complement_weight:
            asked, wanted = torch.cat([buyer, addition]), torch.cat([addition, buyer])
            found |= self._complement(vectors, (asked, wanted), products.category[batch.products], products, log_q)
        return found

    def _similar(self, vectors: Tensor, query: Tensor, target: Tensor, log_q: Tensor) -> Tensor:
        if not len(query):
            return vectors.sum() * 0
        barred = functional.one_hot(query, len(vectors)).bool()
        return sampled_softmax(vectors[query], vectors, target, log_q, self.temperature, barred)

    def _complement(
        self, vectors: Tensor, pair: tuple[Tensor, Tensor], category: Tensor, products: Products, log_q: Tensor
    ) -> dict[str, Tensor]:
        query, target = pair
        aim = category[target]
        described = self.complement.targets(self.encoder.category, products.levels[aim])
        asked = self.complement(vectors[query], described)
        # Serving searches the target category alone, so that only its products compete.
        barred = category[None, :] != aim[:, None]
        loss = sampled_softmax(asked, vectors, target, log_q, self.temperature, barred)
        told = functional.cross_entropy(self.complement.category(asked) / self.temperature, aim)
        weight = self._recipe.complement_weight
        return {"complement": weight * loss, "category": weight * self._recipe.category_weight * told}
