"""Product towers: the trained one by its graph, the frozen one by its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser

from ensemble.errors import DamagedRelease, InvalidInput
from ensemble.features import FEATURES, FeatureSettings
from ensemble.product_tower import GRAPH, FrozenProductTower, ProductTower, open_product_tower, unit
from ensemble.settings import SpaceSettings

TEXT_DIM = 12
SETTINGS = FeatureSettings(text_dim=TEXT_DIM, levels=1, categories=("Home", "Kitchen"))
SPACE = SpaceSettings("a", TEXT_DIM, 4)
SHARED = SpaceSettings("b", TEXT_DIM, TEXT_DIM, shared=True)


def _graph() -> onnx.ModelProto:
    """Row times a matrix, plus a vector a category, plus the price; L2-normalised."""
    model = parser.parse_model(
        """
        <ir_version: 8, opset_import: ["" : 18]>
        tower (float[batch, 12] ROW, int64[batch, 1] CATEGORY, float[batch, 2] PRICE)
            => (float[batch, 7] PRODUCT_VECTOR) {
            read = MatMul (ROW, matrix)
            looked = Gather (table, CATEGORY)
            along = Constant <value_ints = [1]> ()
            category = Squeeze (looked, along)
            priced = MatMul (PRICE, scale)
            first = Add (read, category)
            total = Add (first, priced)
            size = ReduceL2 <keepdims = 1> (total, along)
            PRODUCT_VECTOR = Div (total, size)
        }
        """
    )
    random = np.random.default_rng(3)
    for name, shape in {"matrix": (TEXT_DIM, 7), "table": (3, 7), "scale": (2, 7)}.items():
        values = random.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    onnx.save(_graph(), tmp_path / GRAPH)
    SETTINGS.save(tmp_path / FEATURES)
    return tmp_path


def _rows(count: int, dim: int = TEXT_DIM) -> np.ndarray[Any, np.dtype[np.float32]]:
    return unit(np.random.default_rng(4).normal(size=(count, dim)).astype(np.float32))


def _products(count: int) -> list[dict[str, Any]]:
    return [
        {"title": f"{at}", "category": ("Home", "Kitchen/Mugs", "")[at % 3], "price": float(at)} for at in range(count)
    ]


def test_a_vector_is_what_the_graph_says(folder: Path) -> None:
    tower, rows, products = ProductTower.open(folder), _rows(3), _products(3)
    matrix, table, scale = (numpy_helper.to_array(one) for one in _graph().graph.initializer)
    prices = np.stack([np.log1p([0.0, 1.0, 2.0]), np.ones(3)], axis=1).astype(np.float32)
    expected = rows @ matrix + table[[1, 2, 0]] + prices @ scale
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert tower.dim == 7
    assert np.allclose(tower.encode(rows, products), expected, atol=1e-6)


def test_a_vector_is_the_same_bit_by_bit_in_every_batch(folder: Path) -> None:
    tower, rows, products = ProductTower.open(folder), _rows(50), _products(50)
    together = tower.encode(rows, products)
    for count in (1, 2, 15, 16, 17, 33):
        assert np.array_equal(tower.encode(rows[-count:], products[-count:]), together[-count:])
    assert tower.encode(rows[:0], []).shape == (0, 7)


def test_rows_may_have_halves_that_the_tower_does_not_read(folder: Path) -> None:
    tower, rows, products = ProductTower.open(folder), _rows(4), _products(4)
    wider = np.concatenate([rows, _rows(4, 4)], axis=1)
    assert np.array_equal(tower.encode(wider, products), tower.encode(rows, products))


@pytest.mark.parametrize("tower", ["trained", "frozen"])
def test_rows_that_do_not_fit_are_refused(folder: Path, tower: str) -> None:
    opened = ProductTower.open(folder) if tower == "trained" else FrozenProductTower(SPACE)
    with pytest.raises(InvalidInput, match=r"ROW: shape \(2, 11\); \(products, 1[26]\) is needed"):
        opened.encode(_rows(2, 11), _products(2))
    with pytest.raises(InvalidInput, match="ROW: 2 rows for 3 products"):
        opened.encode(_rows(2, 16), _products(3))


def test_the_frozen_tower_is_the_text_half_where_no_space_is_shared() -> None:
    rows = 3 * _rows(5, TEXT_DIM + 4)
    found = FrozenProductTower(SPACE).encode(rows, _products(5))
    assert found.shape == (5, TEXT_DIM)
    assert np.allclose(found, rows[:, :TEXT_DIM] / np.linalg.norm(rows[:, :TEXT_DIM], axis=1, keepdims=True))


def test_the_frozen_tower_mixes_halves_of_a_shared_space() -> None:
    text, image = _rows(3), _rows(3)[::-1].copy()
    image[1] = 0
    found = FrozenProductTower(SHARED).encode(np.concatenate([text, image], axis=1), _products(3))
    mixed = text + image
    assert np.allclose(found, mixed / np.linalg.norm(mixed, axis=1, keepdims=True), atol=1e-6)
    assert np.allclose(found[1], text[1], atol=1e-6)


def test_a_folder_without_a_graph_has_the_frozen_tower(folder: Path, tmp_path: Path) -> None:
    assert isinstance(open_product_tower(folder, SPACE), ProductTower)
    assert isinstance(open_product_tower(tmp_path / "none", SPACE), FrozenProductTower)


def test_a_tower_of_another_space_is_refused(folder: Path) -> None:
    with pytest.raises(DamagedRelease, match=r"reads rows of 12 \+ 0 numbers, the index has 8 \+ 4"):
        open_product_tower(folder, SpaceSettings("c", 8, 4))


def test_damaged_files_are_named(folder: Path) -> None:
    (folder / FEATURES).unlink()
    with pytest.raises(DamagedRelease, match=r"features\.json"):
        ProductTower.open(folder)
    SETTINGS.save(folder / FEATURES)
    strange = _graph()
    strange.graph.output[0].name = "VECTOR"
    strange.graph.node[-1].output[0] = "VECTOR"
    onnx.save(strange, folder / GRAPH)
    with pytest.raises(DamagedRelease, match="the output 'PRODUCT_VECTOR'"):
        ProductTower.open(folder)
    (folder / GRAPH).write_bytes(b"no graph")
    with pytest.raises(DamagedRelease, match=r"product_tower\.onnx: ONNX Runtime cannot load it"):
        ProductTower.open(folder)
