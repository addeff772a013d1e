"""The complement head against the same sums written out product by product."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from ensemble.complement_head import COMPLEMENT, ComplementHead
from ensemble.errors import DamagedRelease, InvalidInput
from ensemble.features import FEATURES, FeatureSettings
from ensemble.product_tower import unit

DIM, WIDTH, HIDDEN = 6, 4, 5
SETTINGS = FeatureSettings(text_dim=3, levels=2, categories=("Kitchen", "Kitchen/Teas"))


def _tensors() -> dict[str, NDArray[np.float32]]:
    random = np.random.default_rng(5)
    shapes = {
        "targets": (3, WIDTH),
        "hidden.weight": (HIDDEN, DIM + WIDTH),
        "hidden.bias": (HIDDEN,),
        "out.weight": (DIM, HIDDEN),
        "out.bias": (DIM,),
        "skip.weight": (DIM, DIM),
    }
    return {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def head(tmp_path: Path) -> ComplementHead:
    save_file(_tensors(), tmp_path / COMPLEMENT)
    SETTINGS.save(tmp_path / FEATURES)
    opened = ComplementHead.open(tmp_path)
    assert opened is not None
    return opened


def _vectors(count: int) -> NDArray[np.float32]:
    return unit(np.random.default_rng(6).normal(size=(count, DIM)).astype(np.float32))


def test_queries_are_what_is_written(head: ComplementHead) -> None:
    vectors, tensors = _vectors(4), _tensors()
    categories = ["Kitchen/Teas", "Kitchen", "Kitchen/Unknown", "Garden"]
    found = head.queries(vectors, categories)
    for vector, place, query in zip(vectors, (2, 1, 1, 0), found, strict=True):
        joined = np.concatenate([vector, tensors["targets"][place]])
        hidden = np.maximum(tensors["hidden.weight"] @ joined + tensors["hidden.bias"], 0)
        expected = tensors["out.weight"] @ hidden + tensors["out.bias"] + tensors["skip.weight"] @ vector
        assert np.allclose(query, expected / np.linalg.norm(expected), atol=1e-5)
    assert head.dim == DIM
    assert found.dtype == np.float32
    assert head.queries(vectors[:0], []).shape == (0, DIM)


def test_shapes_that_do_not_fit_are_refused(head: ComplementHead) -> None:
    with pytest.raises(InvalidInput, match=r"vectors: shape \(2, 6\); \(1, 6\) is needed"):
        head.queries(_vectors(2), ["Kitchen"])


def test_a_folder_without_a_head_has_none(tmp_path: Path) -> None:
    assert ComplementHead.open(tmp_path) is None


def test_damage_is_named(head: ComplementHead, tmp_path: Path) -> None:
    FeatureSettings(text_dim=3, categories=("Kitchen",)).save(tmp_path / FEATURES)
    with pytest.raises(DamagedRelease, match=r"vectors of 3 categories; .*features\.json has 2"):
        ComplementHead.open(tmp_path)
    tensors = _tensors()
    del tensors["out.bias"]
    save_file(tensors, tmp_path / COMPLEMENT)
    with pytest.raises(DamagedRelease, match=r"tensor 'out\.bias' is missing"):
        ComplementHead.open(tmp_path)
    (tmp_path / COMPLEMENT).write_bytes(b"nothing")
    with pytest.raises(DamagedRelease, match=r"complement\.safetensors: not a safetensors file"):
        ComplementHead.open(tmp_path)
