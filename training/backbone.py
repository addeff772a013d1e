"""Features of a frozen ONNX backbone, computed once and kept as safetensors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file, save_file

from ensemble.image import decode
from ensemble.settings import ImageSettings
from training.errors import TrainingInputError

Features = NDArray[np.float32]
_BATCH = 16


@dataclass(frozen=True)
class Backbone:
    """A frozen ONNX network and how it wants its pictures.

    Attributes:
        onnx: the file; input ``input`` (batch, 3, size, size) float32.
        output: name of the output that holds the features, (batch, dim).
        image_size: pixels.
        resize: how a picture becomes square; must be that of the tower that will serve.
        mean: of the pixels in 0..1, each channel.
        std: of the pixels in 0..1, each channel.
    """

    onnx: Path
    output: str = "features"
    image_size: int = 224
    resize: Literal["crop", "pad", "squash"] = "crop"
    mean: float = 0.5
    std: float = 0.5

    def __post_init__(self) -> None:
        if not self.onnx.is_file():
            raise TrainingInputError(f"backbone: no file {self.onnx}")

    def views(self, picture: Path, count: int) -> NDArray[np.uint8]:
        """Decode a picture as serving does and vary it; (count, size, size, 3) uint8.

        View 0 is what serving sees, 1 its mirror image, the others random cuts of 60 to 95 % of the side, half of
        them mirrored. The cuts depend on the file's name alone.
        """
        seen = decode(picture.read_bytes(), ImageSettings(size=self.image_size, resize=self.resize), name=str(picture))
        rng = np.random.default_rng(list(hashlib.sha256(picture.name.encode()).digest()[:8]))
        made = [seen, seen.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
        while len(made) < count:
            side = int(self.image_size * rng.uniform(0.6, 0.95))
            left, top = rng.integers(0, self.image_size - side + 1, 2).tolist()
            cut = seen.resize(seen.size, Image.Resampling.BILINEAR, (left, top, left + side, top + side))
            made.append(cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else cut)
        return np.stack([np.asarray(view) for view in made[:count]])


def _key(backbone: Backbone, pictures: Sequence[Path], views: int) -> str:
    weights = hashlib.sha256(backbone.onnx.read_bytes()).hexdigest()
    settings = asdict(backbone) | {"onnx": weights}
    return hashlib.sha256(json.dumps([settings, [str(p) for p in pictures], views]).encode()).hexdigest()[:16]


def _compute(backbone: Backbone, pictures: Sequence[Path], views: int, tick: Callable[[int], None]) -> Features:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(backbone.onnx), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    found = []
    for at in range(0, len(pictures), _BATCH):
        pixels = np.concatenate([backbone.views(picture, views) for picture in pictures[at : at + _BATCH]])
        scaled = (pixels.astype(np.float32) / 255.0 - backbone.mean) / backbone.std
        (batch,) = session.run([backbone.output], {name: np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))})
        found.append(batch.reshape(-1, views, batch.shape[-1]))
        tick(len(found[-1]))
    return np.concatenate(found)


def features(
    backbone: Backbone,
    pictures: Sequence[Path],
    cache: Path,
    *,
    views: int = 1,
    tick: Callable[[int], None] = lambda count: None,
) -> Features:
    """Return (len(pictures), views, dim) features, from ``cache`` where they were computed before.

    Args:
        backbone: the network.
        pictures: files.
        cache: folder of safetensors files, named by a hash of network, files and views.
        views: how many views of each picture, see ``Backbone.views``.
        tick: told how many pictures were just done.
    """
    path = cache / f"{_key(backbone, pictures, views)}.safetensors"
    if path.is_file():
        return load_file(path)["features"]
    found = _compute(backbone, pictures, views, tick)
    cache.mkdir(parents=True, exist_ok=True)
    save_file({"features": found}, path)
    return found
