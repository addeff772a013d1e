"""Requests with known answers, which the server must give before it is trusted."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from catalogue import Product
from ensemble.pipeline import Hit, Pipeline

K = 5
# Largest difference of a score, or of a component of a row, that is still the known answer.
TOLERANCE = 1e-3
# Neighbours in the answer must be this far apart, so that rounding cannot swap them.
MIN_GAP = 1e-5
CANDIDATES = 20
PICTURE = "probe.jpg"
WEIGHTS = (0.5, 0.5)


@dataclass(frozen=True)
class Probe:
    """Requests, and the photo that some of them send.

    Args:
        requests: For each ``model``, ``inputs``, ``expected`` and ``tolerance``: inputs and expected outputs by tensor
            name, one row each; ``{"file": NAME}`` stands for the bytes of a file beside them.
        photo: A JPEG.
    """

    requests: Sequence[Mapping[str, Any]]
    photo: bytes

    def write(self, folder: Path, seq: int) -> None:
        """Write ``probe.json`` and ``probe.jpg`` into a folder that is made here.

        Args:
            folder: Where.
            seq: Last change of the catalogue that the expected answers know.
        """
        folder.mkdir(parents=True)
        (folder / PICTURE).write_bytes(self.photo)
        content = {"seq": seq, "requests": self.requests}
        (folder / "probe.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def make_probe(pipeline: Pipeline, products: Sequence[Product], picture: bytes | None) -> Probe:
    """Ask the release, in process, what the server will have to answer.

    Args:
        pipeline: The release.
        products: Whose titles may be asked for; the first owns the picture.
        picture: A picture of the catalogue; a plain one is made where it has none.
    """
    photo = _jpeg(picture)
    text, file = _clearest(pipeline, products, photo), {"file": PICTURE}
    requests = [
        _search("search_text", {"TEXT": text}, pipeline.search([text], None, k=K + 1)[0]),
        _search("search_image", {"IMAGE": file}, pipeline.search(None, [photo], k=K + 1)[0]),
        _search(
            "search",
            {"TEXT": text, "IMAGE": file, "WEIGHTS": list(WEIGHTS)},
            pipeline.search([text], [photo], weights=WEIGHTS, k=K + 1)[0],
        ),
        _embed(pipeline, products[0], photo),
    ]
    return Probe(requests, photo)


def _search(model: str, inputs: Mapping[str, Any], hits: Sequence[Hit]) -> dict[str, Any]:
    """A request for as many products, at most ``K``, as stand clear of the one after them."""
    k = clear_prefix([hit.score for hit in hits])
    expected = {"PRODUCT_ID": [hit.id for hit in hits[:k]], "SCORE": [hit.score for hit in hits[:k]]}
    return {"model": model, "inputs": {**inputs, "K": k}, "expected": expected, "tolerance": TOLERANCE}


def _embed(pipeline: Pipeline, product: Product, photo: bytes) -> dict[str, Any]:
    """A product's whole row."""
    row = pipeline.encoders.embed_product([product.as_dict()], [photo])[0]
    return {
        "model": "embed_product",
        "inputs": {"PRODUCT": json.dumps(product.as_dict(), ensure_ascii=False), "IMAGE": {"file": PICTURE}},
        "expected": {"ROW": row.tolist()},
        "tolerance": TOLERANCE,
    }


def clear_prefix(scores: Sequence[float]) -> int:
    """How many hits, at most ``K`` and at least 1 of any, come before the first that rounding could swap."""
    gaps = [one - other for one, other in pairwise(scores)]
    close = [at for at, gap in enumerate(gaps[:K]) if gap < MIN_GAP]
    return max(1, close[0]) if close else min(K, len(scores))


def _clearest(pipeline: Pipeline, products: Sequence[Product], photo: bytes) -> str:
    """Of the first titles, the one whose answers rounding is least likely to swap, alone and with the photo."""

    def clear(text: str) -> tuple[int, float]:
        alone = pipeline.search([text], None, k=K + 1)[0]
        both = pipeline.search([text], [photo], weights=WEIGHTS, k=K + 1)[0]
        scores = [[hit.score for hit in hits] for hits in (alone, both)]
        gaps = np.diff(scores[0])
        return min(map(clear_prefix, scores)), float(-gaps.max()) if len(gaps) else 0.0

    return max((product.title for product in products[:CANDIDATES]), key=clear)


def _jpeg(picture: bytes | None) -> bytes:
    """The picture as a JPEG; one that is a JPEG stays as it is."""
    if picture is not None and picture.startswith(b"\xff\xd8"):
        return picture
    image = Image.linear_gradient("L") if picture is None else Image.open(io.BytesIO(picture))
    stream = io.BytesIO()
    image.convert("RGB").save(stream, "JPEG", quality=90)
    return stream.getvalue()
