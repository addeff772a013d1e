"""What a Hugging Face folder says of its pictures is done or refused; golden values come from transformers itself."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from ensemble.image import ImagePreprocessor
from ensemble.towers import Tower
from export.errors import BadSource
from export.preprocessing import Preprocessing, read_preprocessing
from export.towers_file import VisionTable
from export.vision_towers import plan_vision

HALVES = (0.5, 0.5, 0.5)
SAID: dict[str, Any] = {
    "do_resize": True,
    "size": {"height": 16, "width": 16},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.4, 0.5, 0.6],
    "image_std": [0.2, 0.3, 0.4],
}


def write(folder: Path, said: dict[str, Any], name: str = "preprocessor_config.json") -> Path:
    (folder / name).write_text(json.dumps(said))
    return folder


def read(folder: Path, said: dict[str, Any], **table: Any) -> Preprocessing:
    return read_preprocessing(write(folder, said), VisionTable(hf=str(folder), **table))


@pytest.mark.parametrize(
    ("changes", "size", "resize"),
    [
        ({}, 16, "squash"),
        ({"size": 16}, 16, "squash"),
        ({"size": 16, "do_center_crop": True, "crop_size": 16}, 16, "crop"),
        ({"size": {"shortest_edge": 16}, "do_center_crop": True, "crop_size": {"height": 16, "width": 16}}, 16, "crop"),
        ({"do_center_crop": True, "crop_size": {"height": 16, "width": 16}}, 16, "squash"),
        ({"do_center_crop": False, "crop_size": {"height": 9, "width": 9}}, 16, "squash"),
        ({"size": {"shortest_edge": 384}, "crop_pct": 0.875}, 384, "squash"),
        ({"size": {"shortest_edge": 224}, "crop_pct": 1.0}, 224, "crop"),
    ],
)
def test_sizes_that_serving_can_make(tmp_path: Path, changes: dict[str, Any], size: int, resize: str) -> None:
    found = read(tmp_path, SAID | changes)
    assert (found.size, found.resize) == (size, resize)


@pytest.mark.parametrize(
    ("changes", "mean", "std"),
    [
        ({}, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)),
        ({"rescale_factor": 1 / 127.5}, (0.2, 0.25, 0.3), (0.1, 0.15, 0.2)),
        (
            {"do_rescale": False, "image_mean": [102, 127.5, 153], "image_std": [51, 76.5, 102]},
            *[(0.4, 0.5, 0.6), (0.2, 0.3, 0.4)],
        ),
        ({"do_normalize": False}, (0, 0, 0), (1, 1, 1)),
        ({"do_normalize": False, "do_rescale": False}, (0, 0, 0), (1 / 255, 1 / 255, 1 / 255)),
    ],
)
def test_every_scale_becomes_one_for_pixels_of_0_to_1(
    tmp_path: Path, changes: dict[str, Any], mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    found = read(tmp_path, SAID | changes)
    np.testing.assert_allclose(found.mean, mean, atol=1e-12)
    np.testing.assert_allclose(found.std, std, atol=1e-12)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"do_flip_channel_order": True}, "do_flip_channel_order = True; allowed: false"),
        ({"do_thumbnail": True}, "do_thumbnail = True; allowed: false"),
        ({"rescale_offset": True}, "rescale_offset = True; allowed: false"),
        ({"do_resize": False}, "do_resize = false; allowed: true, or set resize"),
        ({"do_pad": True}, "do_pad = True; allowed: false, or set resize"),
        ({"resample": 3}, r"resample = 3; allowed: 2 \(bilinear\), or set resize"),
        ({"resample": None}, "resample = None; allowed: 2"),
        (
            {"size": {"shortest_edge": 18}, "do_center_crop": True, "crop_size": 16},
            "crop_size = 16; allowed: 18, as size",
        ),
        ({"size": {"shortest_edge": 16}}, "do_center_crop = false beside shortest_edge; allowed: true"),
        ({"size": {"shortest_edge": 16, "longest_edge": 32}}, "size = .*; allowed: one number"),
        ({"size": {"height": 16, "width": 24}}, "size = .*; allowed: one number"),
        ({"size": {"shortest_edge": 224}, "crop_pct": 0.875}, "crop_pct = 0.875; allowed: 1 below 384"),
        ({"rescale_factor": 0}, "rescale_factor = 0; allowed: a number above 0, or set mean and std"),
        ({"image_mean": [0.5]}, r"image_mean = \[0.5\]; allowed: three numbers, or set mean and std"),
        ({"image_std": [0.5, 0, 0.5]}, "image_std = .*; allowed: three numbers above 0"),
    ],
)
def test_what_serving_does_not_do_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadSource, match=said) as caught:
        read(tmp_path, SAID | changes)
    assert f"{tmp_path}/preprocessor_config.json" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_all_refusals_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadSource) as caught:
        read(tmp_path, {"do_flip_channel_order": True, "size": 16, "resample": 3})
    told = str(caught.value)
    assert [key in told for key in ("do_flip_channel_order", "resample", "image_mean is", "image_std is")] == [True] * 4


def test_what_the_towers_file_says_goes_before_it(tmp_path: Path) -> None:
    said = SAID | {"resample": 3, "size": {"shortest_edge": 20}, "image_mean": None, "do_rescale": False}
    found = read(tmp_path, said, resize="crop", image_size=24, mean=HALVES, std=HALVES)
    assert found == Preprocessing(24, "crop", HALVES, HALVES)


def test_a_folder_that_says_nothing_needs_mean_and_std(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="image_mean is missing; allowed: three numbers, or set mean and std"):
        read_preprocessing(tmp_path, VisionTable(hf=str(tmp_path)))
    found = read_preprocessing(tmp_path, VisionTable(hf=str(tmp_path), mean=HALVES, std=HALVES))
    assert found == Preprocessing(None, "crop", HALVES, HALVES)


def test_a_processor_of_text_and_pictures_says_it_too(tmp_path: Path) -> None:
    write(tmp_path, {"image_processor": SAID}, "processor_config.json")
    found = read_preprocessing(tmp_path, VisionTable(hf=str(tmp_path)))
    assert (found.size, found.mean) == (16, (0.4, 0.5, 0.6))


@pytest.mark.parametrize(
    "changes", [{}, {"rescale_factor": 1 / 100}, {"do_normalize": False}], ids=["usual", "scale", "plain"]
)
def test_a_picture_gets_the_vector_of_transformers(vit: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    """transformers' own image processor, written and read by itself, before its own model."""
    import torch
    from transformers import ViTImageProcessor, ViTModel

    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((vit / name).read_bytes())
    theirs: Any = ViTImageProcessor(**SAID | changes)
    theirs.save_pretrained(tmp_path)
    theirs = ViTImageProcessor.from_pretrained(tmp_path)
    noise = np.random.default_rng(3).integers(0, 256, (23, 31, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    model: Any = ViTModel.from_pretrained(tmp_path, add_pooling_layer=False)
    with torch.no_grad():
        values = theirs(images=Image.fromarray(noise), return_tensors="pt").pixel_values
        expected = model(values).last_hidden_state[:, 0].numpy()

    plan = plan_vision(VisionTable(hf=str(tmp_path)))
    assert (plan.settings.size, plan.settings.resize) == (16, "squash")
    onnx.save(plan.build().graph, tmp_path / "model.onnx")
    pixels = ImagePreprocessor(plan.settings)([file.getvalue()])
    vector = Tower(tmp_path / "model.onnx").encode({"PIXELS": pixels})
    np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
