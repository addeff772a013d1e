"""The projection head: it learns an alignment that exists, and folds into one linear layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file

from training.backbone import Backbone
from training.errors import TrainingInputError
from training.head import AlignmentData, HeadRecipe, cross_validated, fit, scores, top, write
from training.photos import listed

RECIPE = HeadRecipe(epochs=12, batch_size=32, dropout=0.0, learning_rate=0.02)


def _data(seed: int, products: int = 12, photos: int = 144) -> AlignmentData:
    """Features are a fixed linear picture of the texts, plus noise: so a linear head can undo it."""
    rng = np.random.default_rng(seed)
    texts = rng.standard_normal((products, 16)).astype(np.float32)
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    lens = np.random.default_rng(99).standard_normal((16, 40)).astype(np.float32)
    targets = np.arange(photos) % products

    def seen(rows: NDArray[np.int64], views: int) -> NDArray[np.float32]:
        clean = np.repeat((texts[rows] @ lens)[:, None], views, axis=1)
        return (3.0 + clean + 0.4 * rng.standard_normal(clean.shape)).astype(np.float32)

    return AlignmentData(seen(targets, 3), targets, seen(np.arange(products), 4), texts)


def test_a_head_finds_an_alignment_that_exists() -> None:
    data = _data(0)
    train, test = data.only(np.arange(0, 96)), data.only(np.arange(96, 144))
    head = fit(train, RECIPE)
    for weights in ((1.0, 0.0), (0.0, 1.0), (1.0, 0.5)):
        assert top(scores(head, test, weights), test.targets, 1) > 0.9
    assert top(scores(head, test, (1.0, 0.0)), (test.targets + 1) % 12, 1) < 0.1


def test_the_folded_layer_gives_the_same_vectors(tmp_path: Path) -> None:
    data = _data(1)
    head = fit(data, RECIPE)
    write(head, tmp_path / "head.safetensors")
    layer = load_file(tmp_path / "head.safetensors")
    assert layer["weight"].shape == (16, 40)
    assert layer["bias"].shape == (16,)
    folded = data.photos[:, 0] @ layer["weight"].T + layer["bias"]
    folded /= np.linalg.norm(folded, axis=1, keepdims=True)
    with torch.no_grad():
        assert np.allclose(folded, head(torch.from_numpy(data.photos[:, 0])).numpy(), atol=1e-5)


def test_the_same_recipe_gives_the_same_head() -> None:
    one, other = (fit(_data(2), RECIPE).folded()["weight"] for _ in range(2))
    assert torch.equal(one, other)


def test_cross_validation_scores_every_pair_of_weights() -> None:
    found = cross_validated(_data(3), RECIPE, [(1.0, 0.0), (0.0, 1.0)], folds=3)
    assert set(found) == {(1.0, 0.0), (0.0, 1.0)}
    assert min(found.values()) > 0.8


def test_top_counts_targets_among_the_best() -> None:
    scored = np.asarray([[0.1, 0.9, 0.5], [0.2, 0.1, 0.0]], dtype=np.float32)
    assert top(scored, np.asarray([2, 0]), 1) == 0.5
    assert top(scored, np.asarray([2, 2]), 2) == 0.5


def test_photo_lists_name_what_is_missing(tmp_path: Path) -> None:
    table = tmp_path / "splits.csv"
    table.write_text("split,path,class_id\ntrain,photos/a.jpg,3\nval,photos/b.jpg,4\n")
    (photo,) = listed(table, "train", "class_id")
    assert (photo.path, photo.product) == (tmp_path / "photos/a.jpg", "3")
    with pytest.raises(TrainingInputError, match=r"no column \['product_id'\]"):
        listed(table, "train")
    with pytest.raises(TrainingInputError, match="no photo of split 'test'"):
        listed(table, "test", "class_id")


def test_the_first_view_is_what_serving_sees(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"")
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    backbone = Backbone(tmp_path / "net.onnx", image_size=32)
    views = backbone.views(tmp_path / "a.png", 4)
    assert views.shape == (4, 32, 32, 3)
    assert np.array_equal(views[1], views[0][:, ::-1])
    assert np.array_equal(views, backbone.views(tmp_path / "a.png", 4))
    assert not np.array_equal(views[2], views[3])


def test_a_missing_backbone_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingInputError, match="backbone: no file"):
        Backbone(tmp_path / "absent.onnx")
