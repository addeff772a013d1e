"""The ViT recipe learns, repeats itself, and writes a folder that a release can be made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ensemble.towers import Tower
from export.graphs import VISION_OUTPUT
from export.towers_file import load
from export.vision_towers import plan_vision
from training.vit import IMAGE_SIZE, PhotoSet, VitRecipe, VitTower, train_vit

TINY = VitRecipe(steps=30, batch_size=4, warmup=5, width=32, layers=1, patch_size=32)
COLOURS = ("red", "green", "blue", "white")


@pytest.fixture(scope="module")
def shop() -> PhotoSet:
    """Four products of one colour each; the last has no photo."""
    pictures = [Image.new("RGB", (128, 128), colour) for colour in COLOURS]
    photos = [[picture] * 2 for picture in pictures[:3]]
    return PhotoSet([*photos, []], pictures, torch.eye(4, 8))


@pytest.fixture(scope="module")
def trained(shop: PhotoSet) -> tuple[VitTower, list[float]]:
    losses: list[float] = []
    return train_vit(shop, TINY, losses.append), losses


def test_the_loss_falls(trained: tuple[VitTower, list[float]]) -> None:
    _, losses = trained
    assert len(losses) == TINY.steps
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_the_same_recipe_gives_the_same_weights(shop: PhotoSet, trained: tuple[VitTower, list[float]]) -> None:
    again = train_vit(shop, TINY).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in trained[0].state_dict().items())


def test_what_it_writes_becomes_a_tower_of_a_release(trained: tuple[VitTower, list[float]], tmp_path: Path) -> None:
    tower, _ = trained
    tower.save(tmp_path / "vit", tmp_path / "head.safetensors")
    (tmp_path / "towers.toml").write_text('[vision]\nhf = "vit"\nprojection = "head.safetensors"\n')
    plan = plan_vision(load(tmp_path / "towers.toml").vision)
    assert (plan.settings.size, plan.settings.resize) == (IMAGE_SIZE, "crop")
    (tmp_path / "vision.onnx").write_bytes(plan.build().graph.SerializeToString())
    pixels = np.random.default_rng(1).integers(0, 256, (2, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    served = Tower(tmp_path / "vision.onnx")
    assert served.output == VISION_OUTPUT
    with torch.no_grad():
        expected = tower(((torch.from_numpy(pixels).float() / 255 - 0.5) / 0.5).permute(0, 3, 1, 2)).numpy()
    np.testing.assert_allclose(served.encode({"PIXELS": pixels}), expected, atol=1e-5)


def test_a_patch_that_does_not_divide_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="patch_size: got 7"):
        VitRecipe(patch_size=7)
