"""The folder of a trained tower: what is in it serves as what was trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ensemble.complement_head import ComplementHead
from ensemble.features import FEATURES, INPUTS, FeatureSettings, features_of
from tests.training.product import shop
from training.errors import TrainingInputError
from training.product.complement import ComplementModule
from training.product.complements import Complement, ComplementMap
from training.product.fitting import train
from training.product.module import ProductEncoder
from training.product.pairs import count_pairs
from training.product.trained import Trained

LEARNED = ComplementMap({"Kitchen/Mugs": (Complement("Kitchen/Teas", 2.0, 1.5, 40),)})


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(count_pairs(shop.events()), shop.products(), shop.rows(), shop.recipe(epochs=1))


@torch.no_grad()
def test_what_is_loaded_gives_the_same_vectors(trained: Trained, tmp_path: Path) -> None:
    trained.save(tmp_path, LEARNED)
    encoder = ProductEncoder.load(tmp_path)
    assert encoder.features == trained.features
    assert not encoder.training
    inputs = features_of(shop.products(), encoder.features) | {"ROW": shop.rows()}
    vectors = encoder(*(torch.from_numpy(inputs[name]) for name in INPUTS)).numpy()
    assert np.array_equal(vectors, trained.vectors(shop.products(), shop.rows()))


@torch.no_grad()
def test_the_head_serves_what_the_module_says(trained: Trained, tmp_path: Path) -> None:
    trained.save(tmp_path, LEARNED)
    trained.features.save(tmp_path / FEATURES)
    head, module, encoder = (
        ComplementHead.open(tmp_path),
        ComplementModule.load(tmp_path),
        ProductEncoder.load(tmp_path),
    )
    assert head is not None
    vectors = trained.vectors(shop.products(), shop.rows())
    categories = [("Home/Lamps", "Home", "Kitchen/Unknown", "Pets")[at % 4] for at in range(40)]
    levels = torch.from_numpy(encoder.features.category_table.of(categories))
    asked = module(torch.from_numpy(vectors), module.targets(encoder.category, levels)).numpy()
    assert np.allclose(head.queries(vectors, categories), asked, atol=1e-5)
    assert np.array_equal(head.queries(vectors, categories), trained.head().queries(vectors, categories))


def test_what_is_written_beside_the_weights(trained: Trained, tmp_path: Path) -> None:
    trained.save(tmp_path, LEARNED)
    tower = json.loads((tmp_path / "tower.json").read_text())
    assert tower["format"] == 1
    assert FeatureSettings.from_dict(tower["features"]) == trained.features
    assert (tower["dim"], tower["text_dim"], tower["image_dim"]) == (8, shop.TEXT_DIM, 0)
    assert tower["recipe"]["temperature"] == 0.07
    assert tower["best"] == trained.epochs[0]
    assert len(tower["rows"]) == 16
    assert tower["rows"]["P39 oak Vases 39"] == pytest.approx(shop.rows()[39].tolist(), abs=1e-4)
    assert json.loads((tmp_path / "training.json").read_text()) == {"best_epoch": 1, "epochs": list(trained.epochs)}
    popularity = json.loads((tmp_path / "popularity.json").read_text())
    assert popularity == count_pairs(shop.events()).popularity()


def test_saving_again_keeps_what_a_hand_wrote(trained: Trained, tmp_path: Path) -> None:
    ComplementMap({"Home/Lamps": (Complement("Home/Vases", source="hand"),)}).save(tmp_path / "complements.json")
    trained.save(tmp_path, LEARNED)
    found = ComplementMap.load(tmp_path / "complements.json").targets
    assert found == {**LEARNED.targets, "Home/Lamps": (Complement("Home/Vases", source="hand"),)}


def test_a_head_that_learned_nothing_is_not_written(tmp_path: Path) -> None:
    one = [product | {"category": "Home"} for product in shop.products()]
    alike = train(count_pairs(shop.events()), one, shop.rows(), shop.recipe(epochs=1, steps=1))
    (tmp_path / "complement.safetensors").write_bytes(b"of an earlier tower")
    LEARNED.save(tmp_path / "complements.json")
    alike.save(tmp_path, LEARNED)
    assert not (tmp_path / "complement.safetensors").exists()
    assert not (tmp_path / "complements.json").exists()
    assert (tmp_path / "tower.safetensors").exists()


def test_damage_is_named(trained: Trained, tmp_path: Path) -> None:
    trained.save(tmp_path)
    (tmp_path / "tower.safetensors").write_bytes(b"none")
    with pytest.raises(TrainingInputError, match=r"tower\.safetensors cannot be read"):
        ProductEncoder.load(tmp_path)
    (tmp_path / "tower.json").write_text('{"format": 7}')
    with pytest.raises(TrainingInputError, match=r"tower\.json has format 7, must be 1"):
        ProductEncoder.load(tmp_path)
