"""What FP32 answers: catalogue and queries embedded with the release's FP32 graphs, and searched exactly in numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from catalogue import Pictures, Product
from deploy.store import Release
from ensemble.errors import DamagedRelease
from ensemble.image import ImagePreprocessor
from ensemble.index import Slots, load
from ensemble.pipeline import Encoders
from ensemble.release import MANIFEST, Manifest
from ensemble.settings import ImageSettings, ProductSettings, SpaceSettings, TextSettings, read
from ensemble.text import TextPreprocessor
from ensemble.towers import Tower
from export.decisions import NAMES
from export.embedding import embed
from export.errors import BadEvaluation
from export.queries import Query
from export.repository import reference_graph, version_folder
from export.targets import GRAPH, TEXT, VISION

BATCH = 32

Floats = NDArray[np.float32]
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Reference:
    """A release as FP32 would answer.

    Args:
        manifest: Of the release.
        products: Of its index, in its order.
        rows: ``(products, text_dim + image_dim)``, embedded by FP32.
        encoders: With the FP32 towers.
        space: Weights of the halves.
        seq: Last change of the catalogue that the index knows.
    """

    manifest: Manifest
    products: tuple[Product, ...]
    rows: Floats
    encoders: Encoders
    space: SpaceSettings
    seq: int

    @classmethod
    def of(cls, release: Release, start: Callable[[int], Advance], *, threads: int = 1) -> Reference:
        """Open a release and embed its whole catalogue with its FP32 graphs.

        Args:
            release: Its files must be as they were made.
            start: Told how many products there are; gives what is told of each that is done.
            threads: Of a run.

        Raises:
            BadEvaluation: The release did not keep its FP32 graphs.
            DamagedRelease: A file is missing or cannot be used.
            UnreadablePicture: A picture of the catalogue is no longer where it was.
            InvalidInput: A picture cannot be decoded.
            GateFailed: A vector is not of length 1.
        """
        manifest = Manifest.load(release.folder / MANIFEST)
        encoders = fp32_encoders(release, manifest, threads)
        folder = version_folder(release.models, "retrieve", release.number)
        space = read(folder / "settings.json", "space", SpaceSettings)
        slots = load(folder / "index", space_id=space.space_id)
        products = tuple(products_of(slots))
        made_of = manifest.inputs["pictures"]["path"]
        # Pictures start at the folder of the catalogue's file, whose name plays no part.
        pictures = Pictures(str(Path(made_of) / "catalogue"), max_bytes=_image(release).max_bytes)
        rows = embed(encoders, products, pictures, start(len(products)))
        return cls(manifest, products, rows, encoders, space, slots.seq)

    def precisions(self) -> dict[str, str]:
        """In which precision ``text`` and ``vision`` serve."""
        return {name: _chosen(self.manifest, model) for model, name in NAMES.items()}

    def scores(self, queries: Sequence[Query]) -> Floats:
        """``(queries, products)``: the formula of "Rows, weights and scores" in docs/design.md, for texts or photos.

        Args:
            queries: All texts, or all photos; at least one.

        Raises:
            InvalidInput: A query cannot be served.
            BadEvaluation: A score is not finite.
        """
        text, image = self.rows[:, : self.space.text_dim], self.rows[:, self.space.text_dim :]
        by_text, by_image = self.space.text_query if queries[0].image is None else self.space.image_query
        vectors = np.concatenate(list(self._embedded(queries)))
        scores = np.zeros((len(vectors), len(self.rows)), np.float32)
        for weight, half in ((by_text, text), (by_image, image)):
            # Without a shared space the other half may be of another length.
            if weight:
                scores += np.float32(weight) * (vectors @ half.T)
        if not np.isfinite(scores).all():
            raise BadEvaluation("a score of the FP32 reference is not a number: nothing can be judged by it")
        return scores

    def _embedded(self, queries: Sequence[Query]) -> Iterator[Floats]:
        for at in range(0, len(queries), BATCH):
            some = queries[at : at + BATCH]
            if some[0].image is None:
                yield self.encoders.embed_text([str(query.text) for query in some])
            else:
                yield self.encoders.embed_image([query.image.read_bytes() for query in some if query.image])


def products_of(slots: Slots) -> Iterator[Product]:
    """The products that an index holds, in its order."""
    for slot in np.flatnonzero(slots.valid).tolist():
        yield Product(**slots.product(slot))


def fp32_encoders(release: Release, manifest: Manifest, threads: int) -> Encoders:
    """The request path's preprocessing with FP32 towers behind it.

    Raises:
        BadEvaluation: The release did not keep its FP32 graphs.
        DamagedRelease: A file is missing or cannot be used.
    """
    folder = version_folder(release.models, "product_preprocess", release.number)
    settings = folder / "settings.json"
    return Encoders(
        text=TextPreprocessor(folder / "tokenizer.json", read(settings, "text", TextSettings)),
        text_tower=Tower(fp32_graph(release, manifest, TEXT), threads=threads),
        image=ImagePreprocessor(_image(release)),
        vision_tower=Tower(fp32_graph(release, manifest, VISION), threads=threads),
        product=read(settings, "product", ProductSettings),
    )


def fp32_graph(release: Release, manifest: Manifest, model: str) -> Path:
    """The FP32 graph of a tower: the one that serves, or the one that was kept beside it.

    Raises:
        BadEvaluation: There is none.
    """
    if _chosen(manifest, model) == "fp32":
        return version_folder(release.models, model, release.number) / GRAPH
    kept = reference_graph(release.folder, model)
    if not kept.is_file():
        raise BadEvaluation(f"{kept}: missing, so there is nothing to compare with; make a new release, which keeps it")
    return kept


def _chosen(manifest: Manifest, model: str) -> str:
    try:
        return str(manifest.towers[NAMES[model]]["chosen"])
    except KeyError:
        raise DamagedRelease(
            f"release {manifest.release}: its manifest does not say in which precision {model} serves; make a new one"
        ) from None


def _image(release: Release) -> ImageSettings:
    folder = version_folder(release.models, "product_preprocess", release.number)
    return read(folder / "settings.json", "image", ImageSettings)
