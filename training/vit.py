"""A small ViT trained from scratch on photos of a catalogue's products, against the locked text tower.

It is here to be compared with pretrained towers, not to beat them: a few thousand photos are far too few for a ViT
without pretraining (Dosovitskiy et al., 2021, arXiv:2010.11929). What it writes is a folder as Hugging Face has them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from ensemble.image import decode
from ensemble.settings import ImageSettings
from training.losses import bank_loss, pair_loss

IMAGE_SIZE = 96
_SEEN_SIZE = 128
_SMALLEST_CUT = 0.6
_MEAN = _STD = 0.5


@dataclass(frozen=True)
class VitRecipe:
    """Everything that decides the weights, besides the data.

    Attributes:
        steps: optimiser steps.
        batch_size: products a step; each gives a photo and a catalogue picture.
        learning_rate: peak of AdamW, reached after ``warmup`` steps, then a cosine down to zero.
        warmup: steps.
        weight_decay: of AdamW.
        scale: inverse temperature of all losses.
        width: of a token.
        layers: transformer blocks.
        patch_size: pixels.
        seed: of weights and batches.
    """

    steps: int = 500
    batch_size: int = 64
    learning_rate: float = 1e-3
    warmup: int = 50
    weight_decay: float = 0.05
    scale: float = 20.0
    width: int = 128
    layers: int = 4
    patch_size: int = 16
    seed: int = 7

    def __post_init__(self) -> None:
        if IMAGE_SIZE % self.patch_size:
            raise ValueError(f"patch_size: got {self.patch_size}, must divide {IMAGE_SIZE}")

    def share_of_rate(self, step: int) -> float:
        """What share of the peak rate ``step`` has, 0-based."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True)
class PhotoSet:
    """What a tower is trained on.

    Attributes:
        photos: by product, the pictures (128 x 128) that show it; a product without photos has an empty list.
        pictures: (products,) catalogue pictures, 128 x 128.
        texts: (products, text_dim) text vectors of length 1.
    """

    photos: Sequence[Sequence[Image.Image]]
    pictures: Sequence[Image.Image]
    texts: Tensor

    def draw(self, chosen: NDArray[np.int64], rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One photo and the catalogue picture of each product, cut and mirrored at random; (n, 3, 96, 96) each."""
        photos = [self.photos[at][rng.integers(len(self.photos[at]))] for at in chosen]
        pictures = [self.pictures[at] for at in chosen]
        return _normalised([_cut(one, rng) for one in photos]), _normalised([_cut(one, rng) for one in pictures])


class VitTower(nn.Module):
    """The encoder of Hugging Face and the projection that ``[vision] projection`` names."""

    def __init__(self, recipe: VitRecipe, text_dim: int) -> None:
        super().__init__()
        from transformers import ViTConfig, ViTModel

        config = ViTConfig(
            hidden_size=recipe.width,
            num_hidden_layers=recipe.layers,
            num_attention_heads=recipe.width // 32,
            intermediate_size=4 * recipe.width,
            image_size=IMAGE_SIZE,
            patch_size=recipe.patch_size,
        )
        self.encoder: Any = ViTModel(config, add_pooling_layer=False)
        self.projection = nn.Linear(recipe.width, text_dim)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (batch, 3, 96, 96) normalised pixels to (batch, text_dim) of length 1."""
        states = self.encoder(pixel_values=pixels).last_hidden_state
        return functional.normalize(self.projection(states[:, 0]), dim=-1)

    def save(self, folder: Path, projection: Path) -> None:
        """Write the encoder as a folder of Hugging Face, and the projection as safetensors."""
        self.encoder.save_pretrained(folder)
        preprocessing = {
            "image_mean": [_MEAN] * 3,
            "image_std": [_STD] * 3,
            "size": {"shortest_edge": IMAGE_SIZE},
            "crop_size": {"height": IMAGE_SIZE, "width": IMAGE_SIZE},
            "do_center_crop": True,
            "resample": 2,
        }
        (folder / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=2) + "\n", "utf-8")
        save_file({name: value.contiguous() for name, value in self.projection.state_dict().items()}, projection)


def opened(path: Path) -> Image.Image:
    """Read a picture as serving does, a little larger than the tower sees it."""
    return decode(path.read_bytes(), ImageSettings(size=_SEEN_SIZE, resize="crop"), name=str(path))


def train_vit(data: PhotoSet, recipe: VitRecipe, tick: Callable[[float], None] = lambda loss: None) -> VitTower:
    """Train a tower; the same data and recipe give the same weights on the same machine.

    Args:
        data: photos, pictures and texts.
        recipe: everything else.
        tick: told the loss of every step.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    tower = VitTower(recipe, data.texts.shape[1])
    optimizer = torch.optim.AdamW(tower.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe.share_of_rate)
    shown = np.flatnonzero([len(photos) > 0 for photos in data.photos])
    scale = torch.tensor(recipe.scale)
    for _ in range(recipe.steps):
        chosen = rng.choice(shown, min(recipe.batch_size, len(shown)), replace=False)
        both = tower(torch.cat(data.draw(chosen, rng)))
        photos, pictures = both.chunk(2)
        targets = torch.from_numpy(chosen)
        loss = bank_loss(both, data.texts, targets.repeat(2), scale) + pair_loss(photos, pictures, scale)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        tick(loss.item())
    return tower.eval()


def _cut(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    side = int(_SEEN_SIZE * rng.uniform(_SMALLEST_CUT, 1))
    left, top = rng.integers(0, _SEEN_SIZE - side + 1, 2).tolist()
    cut = picture.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR, (left, top, left + side, top + side))
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else cut


def _normalised(pictures: Sequence[Image.Image]) -> Tensor:
    pixels = torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))
    return ((pixels.float() / 255 - _MEAN) / _STD).permute(0, 3, 1, 2)
