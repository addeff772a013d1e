"""The encoder: its vectors, what hides while training, and its graph."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ensemble.features import FEATURES, INPUTS, FeatureSettings
from ensemble.product_tower import GRAPH, OUTPUT, ProductTower
from tests.training.product import shop
from training.errors import TrainingInputError
from training.product.data import Products
from training.product.module import BlockDropout, ProductEncoder
from training.product.shape import TowerShape
from training.product.vocabulary import Vocabulary

IMAGE_DIM = 4


def _settings(image_dim: int = 0) -> FeatureSettings:
    return Vocabulary(gram_buckets=50, max_grams=8).settings(shop.products(), shop.TEXT_DIM, image_dim)


def _encoder(image_dim: int = 0) -> ProductEncoder:
    torch.manual_seed(0)
    return ProductEncoder(_settings(image_dim), shop.SMALL, dropout=0.5).eval()


def _inputs(image_dim: int = 0) -> tuple[Tensor, ...]:
    rows = shop.rows(dim=shop.TEXT_DIM + image_dim)
    return Products.of(shop.products(), rows, _settings(image_dim)).inputs


@torch.no_grad()
@pytest.mark.parametrize("image_dim", [0, IMAGE_DIM])
def test_vectors_have_length_one_and_do_not_depend_on_the_batch(image_dim: int) -> None:
    encoder, inputs = _encoder(image_dim), _inputs(image_dim)
    vectors = encoder(*inputs)
    assert vectors.shape == (40, 8)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(40), atol=1e-6)
    assert torch.allclose(encoder(*(tensor[7:8] for tensor in inputs)), vectors[7:8], atol=1e-6)


@torch.no_grad()
def test_every_input_counts() -> None:
    encoder, inputs = _encoder(IMAGE_DIM), _inputs(IMAGE_DIM)
    before = encoder(*inputs)
    for place, name in enumerate(INPUTS):
        changed = list(inputs)
        changed[place] = inputs[place].roll(11, dims=0)
        assert (encoder(*changed) - before).abs().max() > 1e-4, name
    without_picture = [inputs[0].clone(), *inputs[1:]]
    without_picture[0][:, shop.TEXT_DIM :] = 0
    assert torch.isfinite(encoder(*without_picture)).all()


@torch.no_grad()
def test_it_begins_where_the_frozen_vectors_are() -> None:
    rows = torch.from_numpy(shop.rows())
    encoder = ProductEncoder(_settings(), TowerShape(dim=shop.TEXT_DIM, hidden=16))
    encoder.start_from(rows)
    assert encoder.residual is not None
    projected = encoder.residual(rows)
    assert torch.allclose(projected @ projected.T, rows @ rows.T, atol=1e-4)
    narrow = _encoder()
    narrow.start_from(rows)
    assert narrow.residual is not None
    kept = narrow.residual(rows).square().sum().item()
    values = np.linalg.svd(shop.rows(), compute_uv=False)
    assert kept == pytest.approx(float((values[:8] ** 2).sum()), rel=1e-4)


def test_blocks_are_hidden_row_by_row_while_training_alone() -> None:
    drop, block = BlockDropout(0.25), torch.ones(4000, 3)
    assert torch.equal(drop.eval()(block), block)
    torch.manual_seed(0)
    dropped = drop.train()(block)
    assert dropped.unique().tolist() == pytest.approx([0.0, 1 / 0.75])
    assert (dropped == dropped[:, :1]).all()
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_the_exported_graph_serves_the_same_vectors(tmp_path: Path) -> None:
    encoder, inputs = _encoder(IMAGE_DIM), _inputs(IMAGE_DIM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            encoder,
            tuple(tensor[:2] for tensor in inputs),
            dynamo=True,
            dynamic_shapes=tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs),
            input_names=list(INPUTS),
            output_names=[OUTPUT],
            verbose=False,
        )
    assert program is not None
    program.save(tmp_path / GRAPH)
    encoder.features.save(tmp_path / FEATURES)
    tower, rows, products = ProductTower.open(tmp_path), inputs[0].numpy(), shop.products()
    together = tower.encode(rows, products)
    with torch.no_grad():
        assert np.abs(together - encoder(*inputs).numpy()).max() < 1e-5
    for at in range(0, 40, 13):
        assert np.array_equal(tower.encode(rows[at : at + 1], products[at : at + 1])[0], together[at])


def test_a_folder_without_a_tower_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingInputError, match=r"no file .*tower\.json"):
        ProductEncoder.load(tmp_path)


def test_widths_that_are_not_allowed() -> None:
    with pytest.raises(TrainingInputError, match="dim: got 0"):
        TowerShape(dim=0)
