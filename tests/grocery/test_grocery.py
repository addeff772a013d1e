"""Real groceries and a real backbone: a release of a few products, and photo search over all as measured before."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress
from safetensors.numpy import save_file

from benchmarks.recall_grocery import VAL
from benchmarks.recall_sample import photo_recall
from ensemble.pipeline import Pipeline
from ensemble.release import Manifest
from export.order import Order
from export.release import make_release
from export.towers_file import load
from tests import tiny
from training.photos import listed

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TANDEM_DATA", ROOT / ".." / "shared" / "data")).resolve()
BACKBONE = DATA / "weights" / "mobilenet_v2_1.0_224_fp32.onnx"
CATALOGUE = DATA / "grocery" / "catalogue.jsonl"
CONFIG = ROOT / "configs" / "grocery.toml"
MISSING = [str(path) for path in (CATALOGUE, BACKBONE) if not path.is_file()]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"TANDEM_DATA lacks {', '.join(MISSING)}")

BACKBONE_DIM, TEXT_DIM = 1280, 384
PRODUCTS = 12


@pytest.fixture(autouse=True, scope="module")
def _data() -> Iterator[None]:
    """The folder that ``${TANDEM_DATA}`` in the towers files stands for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_DATA", str(DATA))
        yield


def release(catalogue: Path, towers: Path, store: Path) -> Manifest:
    return make_release(Order(str(catalogue), store, towers, precision="fp32"), Progress(console=Console(quiet=True)))


def as_configured(folder: Path) -> Path:
    """``configs/grocery.toml`` with a head of random numbers in place of the trained one."""
    weight = np.random.default_rng(1).normal(size=(TEXT_DIM, BACKBONE_DIM)).astype(np.float32)
    save_file({"weight": weight}, folder / "head.safetensors")
    content = CONFIG.read_text("utf-8")
    trained = tomllib.loads(content)["vision"]["projection"]
    path = folder / "grocery.toml"
    path.write_text(content.replace(trained, "head.safetensors"), "utf-8")
    return path


def raw(folder: Path) -> Path:
    """The same pictures through the backbone alone, beside a text tower of no consequence."""
    asked = load(as_configured(folder)).vision
    tiny.tokenizer().save(str(folder / "tokenizer.json"))
    path = folder / "raw.toml"
    path.write_text(
        f"""
        [text]
        factory = "tests.grocery.no_text:tower"
        tokenizer = "tokenizer.json"
        max_tokens = 16

        [vision]
        onnx = "{asked.onnx}"
        output = "{asked.output}"
        image_size = {asked.image_size}
        resize = "{asked.resize}"
        mean = {list(asked.mean or ())}
        std = {list(asked.std or ())}

        [columns]
        title = "name"
        image = "iconic_image"
        """
    )
    return path


def some(folder: Path) -> Path:
    """A catalogue of every seventh product, beside the pictures of all."""
    lines = CATALOGUE.read_text("utf-8").splitlines()[::7][:PRODUCTS]
    (folder / "iconic").symlink_to(CATALOGUE.parent / "iconic")
    path = folder / "catalogue.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.mark.slow
def test_the_configuration_makes_a_release_of_real_towers(tmp_path: Path) -> None:
    catalogue = some(tmp_path)
    manifest = release(catalogue, as_configured(tmp_path), tmp_path / "var")
    assert (manifest.figures["products"], manifest.figures["pictures"]) == (PRODUCTS, PRODUCTS)
    assert (manifest.figures["text_dim"], manifest.figures["image_dim"]) == (TEXT_DIM, TEXT_DIM)
    pipeline = Pipeline.open(tmp_path / "var" / "models", 1)
    rows = [json.loads(line) for line in catalogue.read_text("utf-8").splitlines()]
    rows_of_index = pipeline.index.slots.rows(np.arange(PRODUCTS))[:, TEXT_DIM:]
    photos = pipeline.encoders.embed_image([(tmp_path / row["iconic_image"]).read_bytes() for row in rows])
    np.testing.assert_allclose(rows_of_index, photos, atol=2**-11)  # float16
    assert (photos @ photos.T)[np.triu_indices(PRODUCTS, 1)].max() < 0.99
    (found,) = pipeline.search(texts=[rows[3]["name"]], k=1)
    assert found[0].id == str(rows[3]["id"])
    assert found[0].product["attributes"]["country"] == rows[3]["country"]


def test_the_raw_backbone_finds_products_as_often_as_was_measured(tmp_path: Path) -> None:
    """Top-1 0.35 and top-5 0.64 are the figures of the weights' own README, which ``raw_backbone`` repeats."""
    release(CATALOGUE, raw(tmp_path), tmp_path / "var")
    pipeline = Pipeline.open(tmp_path / "var" / "models", 1)
    found = photo_recall(pipeline, listed(CATALOGUE.parent / "splits.csv", VAL, "class_id"))
    assert found["queries"] == 296
    assert found["recall@1"] == pytest.approx(0.35, abs=0.03)
    assert found["recall@5"] == pytest.approx(0.64, abs=0.03)
