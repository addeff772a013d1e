"""What ranges are measured on: real, and never what the gate asks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalogue import Pictures, Product
from ensemble.errors import InvalidInput
from ensemble.image import ImagePreprocessor
from ensemble.settings import ProductSettings
from ensemble.text import TextPreprocessor
from export.errors import BadCalibration
from export.gate.inputs import Source, split
from export.order import Plans
from export.precision.calibration import Calibration
from export.precision.inputs import BATCH, PICTURES, TEXTS, text_calibration, vision_calibration
from export.queries import Query
from export.reference import Array
from tests.export import small
from tests.export.gate.conftest import picture

SETTINGS = ProductSettings(("title",))
PRODUCTS = [Product(row["id"], row["title"], image=row["image"]) for row in small.products()]


@pytest.fixture(scope="module")
def plans(small_towers: Path) -> Plans:
    return Plans.of(small_towers)


@pytest.fixture(scope="module")
def pictures(small_shop: Path) -> Pictures:
    return Pictures(str(small_shop), max_bytes=1_000_000)


def texts_of(calibration: Calibration) -> set[tuple[int, ...]]:
    """Tokens of every row, without padding."""
    return {
        tuple(row[:length].tolist())
        for batch in calibration.batches
        for row, length in zip(batch["INPUT_IDS"], batch["LENGTHS"][:, 0], strict=True)
    }


def pixels_of(calibration: Calibration) -> set[bytes]:
    return {row.tobytes() for batch in calibration.batches for row in batch["PIXELS"]}


def test_no_text_that_the_gate_asks_is_calibrated_on(plans: Plans, pictures: Pictures) -> None:
    calibrated = texts_of(text_calibration(split(PRODUCTS)[0], (), plans.text, SETTINGS))
    trial = Source(PRODUCTS, pictures, SETTINGS).trial("text")
    preprocess = TextPreprocessor(plans.text.tokenizer, plans.text.settings)
    asked = texts_of(Calibration([_tokens(preprocess, str(item.read())) for item in trial.inputs]))
    assert len(asked) == len(trial.inputs)
    assert len(calibrated) > 20
    assert not calibrated & asked


def _tokens(preprocess: TextPreprocessor, text: str) -> dict[str, Array]:
    made = preprocess([text])
    return {"INPUT_IDS": made.input_ids, "LENGTHS": made.lengths}


def test_no_picture_that_the_gate_asks_is_calibrated_on(plans: Plans, pictures: Pictures) -> None:
    settings = plans.vision.settings
    calibrated = pixels_of(vision_calibration(split(PRODUCTS)[0], pictures, (), settings))
    trial = Source(PRODUCTS, pictures, SETTINGS).trial("vision")
    decode = ImagePreprocessor(settings)
    asked = {decode([bytes(item.read())])[0].tobytes() for item in trial.inputs}  # type: ignore[arg-type]
    assert len(asked) == len(trial.inputs)
    assert len(calibrated) > 20
    assert not calibrated & asked


def test_queries_are_calibrated_on_beside_products(plans: Plans, pictures: Pictures, tmp_path: Path) -> None:
    photos = [tmp_path / f"{number}.png" for number in range(3)]
    for number, photo in enumerate(photos):
        photo.write_bytes(picture(500 + number))
    asked = [Query("ball ball", None), Query("chair red red", None), *(Query(None, photo) for photo in photos)]
    preprocess = TextPreprocessor(plans.text.tokenizer, plans.text.settings)
    texts = texts_of(text_calibration(PRODUCTS[:5], asked, plans.text, SETTINGS))
    assert len(texts) == 5 + 2
    assert texts_of(Calibration([_tokens(preprocess, one) for one in ("ball ball", "chair red red")])) < texts
    shown = sum(product.image is not None for product in PRODUCTS[:5])
    pixels = pixels_of(vision_calibration(PRODUCTS[:5], pictures, asked, plans.vision.settings))
    decode = ImagePreprocessor(plans.vision.settings)
    assert len(pixels) == shown + 3
    assert {decode([photo.read_bytes()])[0].tobytes() for photo in photos} < pixels


def test_there_is_a_limit_to_both(plans: Plans, pictures: Pictures) -> None:
    many = [Product(f"P{number}", f"{number} mug", image=PRODUCTS[1].image) for number in range(TEXTS + 50)]
    queries = [Query(f"{number} red", None) for number in range(TEXTS + 50)]
    made = text_calibration(many, queries, plans.text, SETTINGS)
    assert made.rows == 2 * TEXTS
    assert max(len(batch["LENGTHS"]) for batch in made.batches) == BATCH
    assert vision_calibration(many, pictures, (), plans.vision.settings).rows == PICTURES


def test_each_batch_has_photos_and_pictures(plans: Plans, pictures: Pictures, tmp_path: Path) -> None:
    photos = [tmp_path / f"{number}.png" for number in range(40)]
    for number, photo in enumerate(photos):
        photo.write_bytes(picture(600 + number))
    settings = plans.vision.settings
    made = vision_calibration(PRODUCTS, pictures, [Query(None, photo) for photo in photos], settings)
    decode = ImagePreprocessor(settings)
    ours = {decode([photo.read_bytes()])[0].tobytes() for photo in photos}
    for batch in made.batches:
        of_photos = sum(row.tobytes() in ours for row in batch["PIXELS"])
        assert 0 < of_photos < len(batch["PIXELS"])


def test_the_same_inputs_each_time(plans: Plans, pictures: Pictures) -> None:
    for made in (
        [text_calibration(PRODUCTS, (), plans.text, SETTINGS) for _ in range(2)],
        [vision_calibration(PRODUCTS, pictures, (), plans.vision.settings) for _ in range(2)],
    ):
        for one, other in zip(made[0].batches, made[1].batches, strict=True):
            for name in one:
                np.testing.assert_array_equal(one[name], other[name])


def test_nothing_to_calibrate_on_is_refused(plans: Plans, pictures: Pictures) -> None:
    with pytest.raises(BadCalibration, match="there are no batches"):
        text_calibration((), (), plans.text, SETTINGS)
    bare = [product for product in PRODUCTS if product.image is None]
    with pytest.raises(BadCalibration, match="there are no batches"):
        vision_calibration(bare, pictures, [Query("red mug", None)], plans.vision.settings)
    with pytest.raises(BadCalibration, match="an empty one"):
        Calibration([{"PIXELS": np.zeros((0, 16, 16, 3), np.uint8)}])


def test_a_photo_that_is_none_is_refused(plans: Plans, pictures: Pictures, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_text("not a picture")
    with pytest.raises(InvalidInput):
        vision_calibration(PRODUCTS, pictures, [Query(None, tmp_path / "photo.png")], plans.vision.settings)
