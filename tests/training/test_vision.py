"""Batches, caches, checkpoints: a run can be stopped and resumed, and never sees what is held out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from rich.console import Console

from sample.make import make
from sample.products import shop
from training import checkpoint
from training.batches import PhotoBatches, normalised
from training.errors import CheckpointError, TrainingInputError
from training.heldout import HeldOut, catalogue_rows, opened
from training.shop_cache import ShopCache, cached_shop, products_without
from training.vision import Recipe, Run, Student, evaluate, train

RECIPE = Recipe(steps=4, batch_size=8, warmup=1)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> ShopCache:
    return cached_shop(tmp_path_factory.mktemp("shops"), products_without((), 96, seed=3), seed=3)


@pytest.fixture(scope="module")
def held_out(cache: ShopCache) -> HeldOut:
    titles = torch.nn.functional.normalize(torch.randn(8, 384), dim=1)
    pictures = np.asarray(cache.pictures[:8])
    return HeldOut(pictures, titles, pictures[:5], torch.arange(5))


def _texts(cache: ShopCache) -> list[torch.Tensor]:
    torch.manual_seed(1)
    return [torch.nn.functional.normalize(torch.randn(len(cache.titles), 384), dim=1)]


def test_held_out_titles_are_never_trained_on() -> None:
    known = {product.title for product in shop(50, seed=3)}
    fresh = products_without(known, 80, seed=3)
    assert len(fresh) == 80
    assert not known & {product.title for product in fresh}


def test_the_cache_is_read_back_as_it_was_rendered(tmp_path: Path) -> None:
    products = products_without((), 12, seed=5)
    ticks: list[int] = []
    first = cached_shop(tmp_path, products, 5, lambda: ticks.append(1))
    second = cached_shop(tmp_path, products, 5, lambda: ticks.append(1))
    assert len(ticks) == 12
    assert np.array_equal(first.sprites, second.sprites)
    expected = products[7].picture().resize((96, 96), Image.Resampling.BILINEAR)
    assert np.array_equal(second.pictures[7], np.asarray(expected))


def test_batches_are_the_same_by_number_and_hard_ones_hold_few_kinds(cache: ShopCache) -> None:
    batches, again = (PhotoBatches(cache, 8, seed=1) for _ in range(2))
    assert torch.equal(batches[3].photos, again[3].photos)
    assert not torch.equal(batches[2].photos, batches[4].photos)
    assert len(set(cache.kinds[batches[3].targets.numpy()])) <= 8
    mixed, pictures = batches[2], normalised(cache.pictures[batches[2].targets.numpy()])
    assert mixed.photos.shape == mixed.pictures.shape == (8, 3, 96, 96)
    assert torch.equal(mixed.pictures, pictures)


def test_a_photo_is_opened_as_serving_opens_it(tmp_path: Path) -> None:
    from ensemble.image import decode
    from ensemble.settings import ImageSettings

    make(tmp_path, products=6, held_out=6, train=0, seed=7)
    for path in sorted((tmp_path / "photos").glob("*.jpg")):
        served = np.asarray(decode(path.read_bytes(), ImageSettings(size=96, resize="crop")))
        assert np.array_equal(opened(path), served)
        with Image.open(path) as photo:
            plain = ImageOps.fit(ImageOps.exif_transpose(photo).convert("RGB"), (96, 96))
        assert np.abs(served.astype(float) - np.asarray(plain, dtype=float)).mean() < 4


def test_a_run_that_was_stopped_ends_with_the_same_weights(tmp_path: Path, cache: ShopCache, held_out: HeldOut) -> None:
    console, texts = Console(quiet=True), _texts(cache)
    whole = train(cache, texts, held_out, RECIPE, Run(tmp_path / "a", console, workers=0, every=2))

    class Stopped(Exception):
        pass

    class StoppingRun(Run):
        def log(self, line: dict[str, float]) -> None:
            super().log(line)
            if line["step"] == 4:
                raise Stopped

    with pytest.raises(Stopped):
        train(cache, texts, held_out, RECIPE, StoppingRun(tmp_path / "b", console, workers=0, every=2))
    resumed = train(cache, texts, held_out, RECIPE, Run(tmp_path / "b", console, workers=0, every=2))
    for name, value in whole.state_dict().items():
        assert torch.allclose(resumed.state_dict()[name].float(), value.float(), atol=1e-5), name


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    student = Student()
    optimizer = torch.optim.AdamW(student.parameters())
    checkpoint.save(tmp_path / "c.safetensors", student, optimizer, 3, "one")
    assert checkpoint.load(tmp_path / "c.safetensors", student, optimizer, "one") == 3
    with pytest.raises(CheckpointError, match="of another recipe, other data"):
        checkpoint.load(tmp_path / "c.safetensors", student, optimizer, "other")


def test_half_precision_keeps_the_answers(tmp_path: Path, held_out: HeldOut) -> None:
    from safetensors.torch import load_file

    student = Student()
    before = evaluate(student.tower, held_out)
    checkpoint.save_half(tmp_path / "half.safetensors", student.tower, {})
    state = load_file(tmp_path / "half.safetensors")
    assert {v.dtype for v in state.values() if v.is_floating_point()} == {torch.float16}
    student.tower.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    assert evaluate(student.tower, held_out).keys() == before.keys()


def test_the_rate_warms_up_and_falls_to_zero() -> None:
    recipe = Recipe(steps=100, warmup=10, learning_rate=1.0)
    rates = [recipe.rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.001


def test_a_missing_catalogue_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(TrainingInputError, match="python -m sample make"):
        catalogue_rows(tmp_path / "catalogue.jsonl")
