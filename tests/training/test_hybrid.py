"""The hybrid tower: shape, length and independence of its vectors, and that ONNX Runtime gives the same ones."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from sample.errors import SampleInputError
from sample.tower import WEIGHTS, vision_tower
from training.hybrid import HybridConfig, HybridTower

SMALL = HybridConfig(image_size=32, widths=(8, 12, 24), heads=3, layers=1, dim=16)


def _random_tower(config: HybridConfig) -> HybridTower:
    torch.manual_seed(0)
    tower = HybridTower(config)
    for module in tower.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.5, 0.5)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2.0)  # type: ignore[union-attr]
    return tower.eval()


@torch.no_grad()
def test_vectors_have_length_one_and_do_not_depend_on_the_batch() -> None:
    tower = _random_tower(SMALL)
    pixels = torch.randn(5, 3, 32, 32)
    vectors = tower(pixels)
    assert vectors.shape == (5, 16)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(5), atol=1e-6)
    assert torch.allclose(tower(pixels[2:3]), vectors[2:3], atol=1e-6)
    assert (vectors[0] - vectors[1]).abs().max() > 1e-3


@torch.no_grad()
def test_the_place_of_things_matters() -> None:
    tower, pixels = _random_tower(SMALL), torch.zeros(1, 3, 32, 32)
    pixels[..., :16] = 1.0
    assert (tower(pixels) - tower(pixels.flip(-1))).abs().max() > 1e-4


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"image_size": 100}, "image_size: got 100"), ({"heads": 5}, "heads: got 5, must divide the last width 192")],
)
def test_sizes_that_do_not_fit_are_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HybridConfig(**settings)  # type: ignore[arg-type]


def test_the_exported_graph_agrees_for_every_batch_size(tmp_path: Path) -> None:
    tower, path = _random_tower(SMALL), tmp_path / "tower.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            tower,
            (torch.randn(2, 3, 32, 32),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            input_names=["pixels"],
            output_names=["vector"],
            verbose=False,
        )
    assert program is not None
    program.save(path)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for batch in (1, 2, 7):
        pixels = torch.randn(batch, 3, 32, 32)
        (found,) = session.run(None, {"pixels": pixels.numpy()})
        with torch.no_grad():
            assert np.abs(found - tower(pixels).numpy()).max() < 1e-4


def test_the_committed_weights_load_and_are_small() -> None:
    assert WEIGHTS.stat().st_size <= 8_000_000
    tower = vision_tower()
    assert not tower.training
    with torch.no_grad():
        vector = tower(torch.zeros(1, 3, 96, 96))
    assert vector.shape == (1, 384)
    assert torch.isfinite(vector).all()


def test_missing_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(SampleInputError, match=r"weights: no file .*absent.safetensors"):
        vision_tower(tmp_path / "absent.safetensors")
