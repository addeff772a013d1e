"""Towers as one ``nn.Module`` each: what stands around the encoder, so that it lands inside the exported graph."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from export.graphs import MASKED_SCORE
from export.projection import Projection
from export.reference import NORM_EPS


class TextGraph(nn.Module):
    """Token ids and lengths to unit vectors.

    Args:
        encoder: Takes ids ``(batch, sequence)`` int64 and a mask of the same shape and type, 1 for real tokens; gives
            ``(batch, sequence, dim)``, which is pooled, or ``(batch, dim)``.
        pooling: ``mean`` or ``cls``.
        projection: A linear head, if any.
    """

    def __init__(self, encoder: nn.Module, pooling: str, projection: Projection | None) -> None:
        super().__init__()
        self.encoder, self.pooling, self.head = encoder, pooling, head(projection)

    def forward(self, input_ids: Tensor, lengths: Tensor) -> Tensor:
        """Unit vectors ``(batch, dim)`` from ids ``(batch, sequence)`` and lengths ``(batch, 1)``."""
        positions = torch.arange(input_ids.shape[1], device=input_ids.device)
        mask = (positions[None, :] < lengths).to(torch.int64)
        states = self.encoder(input_ids, mask)
        vectors = pool(states, mask, self.pooling) if states.dim() == 3 else states
        return normalise(self.head(vectors))


class VisionGraph(nn.Module):
    """Pixels to unit vectors.

    Args:
        encoder: Takes normalised pixels ``(batch, 3, size, size)`` float32; gives ``(batch, dim)``, with any number of
            trailing axes of length 1, or ``(batch, sequence, dim)``, which is pooled, or a map
            ``(batch, dim, height, width)``, whose mean is its global average.
        mean: Of each channel, for pixels of 0 to 1.
        std: Likewise.
        pooling: ``cls`` or ``mean``.
        projection: A linear head, if any.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self,
        encoder: nn.Module,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        pooling: str,
        projection: Projection | None,
    ) -> None:
        super().__init__()
        self.encoder, self.pooling, self.head = encoder, pooling, head(projection)
        self.register_buffer("scale", 1 / (255 * torch.tensor(std)))
        self.register_buffer("shift", -torch.tensor(mean) / torch.tensor(std))

    def forward(self, pixels: Tensor) -> Tensor:
        """Unit vectors ``(batch, dim)`` from ``(batch, size, size, 3)`` uint8."""
        scaled = pixels.to(torch.float32) * self.scale + self.shift
        states = self.encoder(scaled.permute(0, 3, 1, 2))
        if states.dim() == 4 and self.pooling == "mean":
            states = states.mean(dim=(2, 3))
        vectors = pool(states, None, self.pooling) if states.dim() == 3 else states.flatten(1)
        return normalise(self.head(vectors))


class HuggingFaceText(nn.Module):
    """A text encoder of transformers behind ids and mask.

    Args:
        model: Answers with ``last_hidden_state``, or with ``text_embeds`` where it pools and projects by itself.
        causal: Whether a token sees only those before it. Padding then is never seen, and needs no mask.
    """

    def __init__(self, model: nn.Module, *, causal: bool = False) -> None:
        super().__init__()
        self.model, self.causal = model, causal

    def forward(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        """``(batch, sequence, dim)``, or ``(batch, dim)`` from a model that pools by itself."""
        if self.causal:
            embedded: Tensor = self.model(input_ids=input_ids).text_embeds
            return embedded
        # A mask of four axes is taken as it is; from one of two axes transformers makes the one that overflows.
        added = (1 - mask).to(torch.float32)[:, None, None, :] * MASKED_SCORE
        states: Tensor = self.model(input_ids=input_ids, attention_mask=added).last_hidden_state
        return states


class HuggingFaceVision(nn.Module):
    """A vision encoder of transformers behind pixels.

    Args:
        model: Any that takes ``pixel_values``.
        answer: Field of its answer: ``last_hidden_state``, ``pooler_output`` or ``image_embeds``.
    """

    def __init__(self, model: nn.Module, answer: str) -> None:
        super().__init__()
        self.model, self.answer = model, answer

    def forward(self, pixels: Tensor) -> Tensor:
        """The field named by ``answer``."""
        states: Tensor = getattr(self.model(pixel_values=pixels), self.answer)
        return states


def head(projection: Projection | None) -> nn.Module:
    """The projection as a layer; identity where there is none."""
    if projection is None:
        return nn.Identity()
    out_dim, in_dim = projection.weight.shape
    layer = nn.Linear(in_dim, out_dim, bias=projection.bias is not None)
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(projection.weight))
    if projection.bias is not None:
        layer.bias.data = torch.from_numpy(np.ascontiguousarray(projection.bias))
    return layer


def pool(states: Tensor, mask: Tensor | None, pooling: str) -> Tensor:
    """``(batch, sequence, dim)`` to ``(batch, dim)``; a row without a token has the mean 0, not NaN."""
    if pooling == "cls":
        return states[:, 0]
    if mask is None:
        return states.mean(dim=1)
    weights = mask.to(states.dtype)[:, :, None]
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def normalise(vectors: Tensor) -> Tensor:
    """L2 norm of each row, safe for zero."""
    norm = (vectors * vectors).sum(dim=1, keepdim=True).sqrt()
    return vectors / norm.clamp(min=NORM_EPS)
