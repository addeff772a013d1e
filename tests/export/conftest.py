"""Tiny towers of every kind of source, and a tiny shop, all real files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper, parser
from rich.console import Console
from rich.progress import Progress

from ensemble.release import Manifest
from export import proving
from export.order import Order
from export.release import make_release
from tests import tiny
from tests.export import small

os.environ.setdefault("HF_HUB_OFFLINE", "1")

VOCABULARY = 4 + len(tiny.WORDS)
WIDTH = 16

TEXT_SOURCE = """
<ir_version: 8, opset_import: ["" : 17]>
text (int64[b, s] input_ids, int64[b, s] attention_mask) => (float[b, s, 16] states, float[b, 16] pooled)
{
    rows = Gather (table, input_ids)
    mask = Cast <to = 1> (attention_mask)
    one = Constant <value_float = 1.0> ()
    lowest = Constant <value_float = -3.4e38> ()
    padding = Sub (one, mask)
    added = Mul (padding, lowest)
    middle = Constant <value_ints = [1]> ()
    row = Unsqueeze (added, middle)
    turned = Transpose <perm = [0, 2, 1]> (rows)
    scores = MatMul (rows, turned)
    masked = Add (scores, row)
    weights = Softmax <axis = -1> (masked)
    states = MatMul (weights, rows)
    first = Constant <value_int = 0> ()
    pooled = Gather <axis = 1> (states, first)
}
"""
VISION_SOURCE = """
<ir_version: 8, opset_import: ["" : 17]>
vision (float[b, {shape}] picture) => (float[b, 8] features, float[b, 3] colours)
{{
    planes = {turn} (picture)
    pooled = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (planes)
    flat = Flatten (pooled)
    features = MatMul (flat, projection)
    mean = GlobalAveragePool (planes)
    colours = Flatten (mean)
}}
"""


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``tokenizer.json``, ``text.onnx``, ``nchw.onnx`` and ``nhwc.onnx``."""
    folder = tmp_path_factory.mktemp("sources")
    tiny.tokenizer().save(str(folder / "tokenizer.json"))
    random = np.random.default_rng(5)
    text = parser.parse_model(TEXT_SOURCE)
    text.graph.initializer.append(
        numpy_helper.from_array(random.normal(size=(VOCABULARY, WIDTH)).astype(np.float32), "table")
    )
    onnx.save(text, folder / "text.onnx")
    weights = random.normal(size=(48, 8)).astype(np.float32)
    for name, shape, turn in (
        ("nchw", "3, 16, 16", "Identity"),
        ("nhwc", "16, 16, 3", "Transpose <perm = [0, 3, 1, 2]>"),
    ):
        vision = parser.parse_model(VISION_SOURCE.format(shape=shape, turn=turn))
        vision.graph.initializer.append(numpy_helper.from_array(weights, "projection"))
        onnx.save(vision, folder / f"{name}.onnx")
    return folder


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue of 40 products with pictures; the path of its JSONL file."""
    folder = tmp_path_factory.mktemp("shop")
    rows = tiny.products()
    (folder / "images").mkdir()
    for row, picture in zip(rows, tiny.pictures(rows), strict=True):
        if picture:
            (folder / row["image"]).write_bytes(picture)
    (folder / "catalogue.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "catalogue.jsonl"


@pytest.fixture(scope="session")
def towers(sources: Path) -> Path:
    """A towers file over the ONNX sources: dimensions 16 and 8."""
    path = sources / "towers.toml"
    path.write_text(
        """
        [text]
        onnx = "text.onnx"
        tokenizer = "tokenizer.json"
        output = "states"
        buckets = [4, 8, 16]

        [vision]
        onnx = "nchw.onnx"
        output = "features"
        resize = "squash"
        mean = [0.5, 0.5, 0.5]
        std = [0.5, 0.5, 0.5]

        [product]
        text = ["title", "category"]
        """
    )
    return path


@pytest.fixture(scope="session")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(2)
    folder = tmp_path_factory.mktemp("vit")
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=16,
        patch_size=8,
        initializer_range=0.5,
    )
    ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(
        '{"size": {"height": 16, "width": 16}, "resample": 2, '
        '"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}'
    )
    return folder


Make = Callable[..., Manifest]


@pytest.fixture(scope="session")
def make(shop: Path, towers: Path) -> Make:
    """Makes a release of the tiny shop: ``make(store, towers=..., catalogue=..., skip=..., precision=...)``."""

    def run(
        store: Path,
        *,
        towers: Path = towers,
        catalogue: Path = shop,
        columns: Path | None = None,
        skip: bool = False,
        precision: str = "fp32",
        **more: Any,
    ) -> Manifest:
        order = Order(str(catalogue), store, towers, columns, skip_bad_rows=skip, precision=precision, **more)
        return make_release(order, Progress(console=Console(quiet=True)))

    return run


@pytest.fixture(scope="session")
def store(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one release; not to be changed."""
    folder = tmp_path_factory.mktemp("store") / "var"
    make(folder)
    return folder


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(store, tmp_path / "copy"))


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue whose products differ enough to be told apart; the path of its JSONL file."""
    return small.write_shop(tmp_path_factory.mktemp("small_shop"), small.products())


@pytest.fixture(scope="session")
def small_towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A towers file over a transformer and a convolutional network, each of one block."""
    return small.write_towers(tmp_path_factory.mktemp("small_towers"))


@pytest.fixture(scope="session")
def make_small(make: Make, small_shop: Path, small_towers: Path) -> Make:
    """Makes a release of the small shop like ``make``, but takes latencies in a moment."""

    def run(store: Path, **changed: Any) -> Manifest:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(proving, "SECONDS", small.SECONDS)
            return make(store, **{"towers": small_towers, "catalogue": small_shop, **changed})

    return run
