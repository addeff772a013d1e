"""The whole request path in one process, without Triton.

``export`` embeds the catalogue with it, tests hold the server to it, and the benchmark measures what serving adds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.found import Found
from ensemble.image import ImagePreprocessor
from ensemble.index import Index, Still
from ensemble.index.choice import CPU, EngineChoice
from ensemble.opening import AnyTower, open_tower
from ensemble.product import ProductPreprocessor, product_rows
from ensemble.retrieval import Retrieval
from ensemble.settings import ImageSettings, ProductSettings, SpaceSettings, TextSettings, read
from ensemble.text import TextPreprocessor

Floats = NDArray[np.float32]
Product = Mapping[str, Any]


@dataclass(frozen=True)
class Hit:
    """One product found.

    Args:
        id: Its id.
        score: Inner product with the query row, or the business score where one was asked for.
        product: The product as the catalogue has it.
    """

    id: str
    score: float
    product: dict[str, Any]


@dataclass(frozen=True)
class Encoders:
    """Both towers with their preprocessing.

    Args:
        text: Tokeniser.
        text_tower: Its tower.
        image: Decoder.
        vision_tower: Its tower.
        product: Which fields make a product's text.
    """

    text: TextPreprocessor
    text_tower: AnyTower
    image: ImagePreprocessor
    vision_tower: AnyTower
    product: ProductSettings

    @classmethod
    def open(cls, models: Path, release: int, *, threads: int = 1) -> Encoders:
        """Open the towers of a release in a Triton repository.

        Raises:
            DamagedRelease: A file is missing or cannot be used.
        """
        folder = models / "product_preprocess" / str(release)
        settings = folder / "settings.json"
        return cls(
            text=TextPreprocessor(folder / "tokenizer.json", read(settings, "text", TextSettings)),
            text_tower=open_tower(models / "text_tower" / str(release), threads=threads),
            image=ImagePreprocessor(read(settings, "image", ImageSettings)),
            vision_tower=open_tower(models / "vision_tower" / str(release), threads=threads),
            product=read(settings, "product", ProductSettings),
        )

    def embed_text(self, texts: Sequence[bytes | str]) -> Floats:
        """Unit vectors ``(batch, text_dim)``."""
        tokens = self.text(texts)
        return self.text_tower.encode({"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths})

    def embed_image(self, pictures: Sequence[bytes]) -> Floats:
        """Unit vectors ``(batch, image_dim)``."""
        return self.vision_tower.encode({"PIXELS": self.image(pictures)})

    def embed_product(self, products: Sequence[Product], pictures: Sequence[bytes]) -> Floats:
        """Rows ``(batch, text_dim + image_dim)``; an empty picture leaves the image half zero."""
        prepared = ProductPreprocessor(self.text, self.image, self.product)(products, pictures)
        tokens = prepared.tokens
        text = self.text_tower.encode({"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths})
        image = self.vision_tower.encode({"PIXELS": prepared.pixels})
        return product_rows(text, image, prepared.has_image)


@dataclass(frozen=True)
class Pipeline:
    """Encoders and retrieval of one release.

    Args:
        encoders: The towers.
        retrieval: The index.
    """

    encoders: Encoders
    retrieval: Retrieval

    @classmethod
    def open(cls, models: Path, release: int, *, threads: int = 1) -> Pipeline:
        """Open a release in a Triton repository.

        Raises:
            DamagedRelease: A file is missing, altered, or of another space.
        """
        return cls(Encoders.open(models, release, threads=threads), open_retrieval(models / "retrieve" / str(release)))

    @property
    def index(self) -> Index:
        """The index, which lies in this process."""
        index = self.retrieval.source.index
        if not isinstance(index, Index):
            raise TypeError(f"{type(index).__name__} does not lie in this process")
        return index

    def search(
        self,
        texts: Sequence[bytes | str] | None = None,
        images: Sequence[bytes] | None = None,
        *,
        weights: tuple[float, float] = (1.0, 1.0),
        k: int = 10,
        filter: str = "",  # noqa: A002 - the word of the request
        rank: str = "",
    ) -> list[list[Hit]]:
        """Search with texts, photos, or a text and a photo a row.

        Raises:
            InvalidInput: As the server would refuse it.
        """
        batch = len(texts if texts is not None else images or ())
        request: dict[str, NDArray[Any]] = {
            "WEIGHTS": np.tile(np.array(weights, np.float32), (batch, 1)),
            "K": np.full((batch, 1), k, np.int32),
            "FILTER": np.full((batch, 1), filter.encode(), object),
            "RANK": np.full((batch, 1), rank.encode(), object),
        }
        if texts is not None:
            request["TEXT_VECTOR"] = self.encoders.embed_text(texts)
        if images is not None:
            request["IMAGE_VECTOR"] = self.encoders.embed_image(images)
        (answer,) = self.retrieval.answer([request])
        if isinstance(answer, Exception):
            raise answer
        return [_hits(answer, row) for row in range(batch)]


def open_retrieval(folder: Path, *, engine: EngineChoice = CPU) -> Retrieval:
    """Open the index of a release as it was made: ``settings.json`` and ``index/`` in ``folder``.

    Raises:
        DamagedRelease: A file is missing, altered, or of another space.
    """
    space = read(folder / "settings.json", "space", SpaceSettings)
    return Retrieval(Still(Index.open(folder / "index", space_id=space.space_id, engine=engine)), space)


def _hits(found: Found, row: int) -> list[Hit]:
    documents = [] if found.documents is None else found.documents[row]
    hits = zip(found.ids[row], found.hits[row].scores, documents, strict=True)
    return [Hit(name, float(score), json.loads(document)) for name, score, document in hits]
