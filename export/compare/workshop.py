"""Builds the towers of a comparison, each once however many towers files ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from ensemble.image import ImagePreprocessor
from ensemble.pipeline import Encoders
from ensemble.settings import SpaceSettings
from ensemble.text import TextPreprocessor
from ensemble.towers import Tower
from export.cases import Case, text_cases, vision_cases
from export.check import hold
from export.compare.entries import Entry
from export.errors import BadComparison
from export.plans import TextPlan, VisionPlan
from export.towers_file import TextTable, VisionTable


@dataclass(frozen=True)
class Contestant:
    """An entry that can be asked.

    Args:
        entry: The towers file.
        encoders: Its towers and preprocessing, one thread a tower.
        graphs: The graph that answers each kind of query: ``text``, ``image``.
    """

    entry: Entry
    encoders: Encoders
    graphs: Mapping[str, Path]

    @property
    def space(self) -> SpaceSettings:
        """How queries meet the rows of this entry, which gives the space its name.

        Raises:
            BadComparison: The halves of a row cannot be weighed as the towers file says.
        """
        asked = self.entry.plans.file.space
        try:
            return SpaceSettings(
                space_id=self.entry.name,
                text_dim=self.encoders.text_tower.dim,
                image_dim=self.encoders.vision_tower.dim,
                shared=asked.shared,
                text_query=asked.text_query,
                image_query=asked.image_query,
            )
        except ValueError as error:
            raise BadComparison([f"{self.entry.name}: [space]: {error}"]) from error


@dataclass
class Workshop:
    """Keeps the graphs that were built.

    Args:
        folder: Where they are written; a temporary one will do.
    """

    folder: Path
    _built: dict[str, tuple[Path, Tower]] = field(default_factory=dict)

    def open(self, entry: Entry) -> Contestant:
        """Both towers of an entry, held to their sources as a release holds them.

        Raises:
            BadSource: A source cannot be loaded.
            GateFailed: A graph and its source disagree; names the worst inputs.
        """
        plans, products = entry.plans, entry.checked.catalogue.products
        batches = text_cases(products, plans.text, plans.product)
        text, text_tower = self._tower(f"{entry.name}, text tower", plans.file.text, plans.text, batches)
        batches = vision_cases(products, entry.checked.pictures, plans.vision.settings)
        image, vision_tower = self._tower(f"{entry.name}, vision tower", plans.file.vision, plans.vision, batches)
        encoders = Encoders(
            text=TextPreprocessor(plans.text.tokenizer, plans.text.settings),
            text_tower=text_tower,
            image=ImagePreprocessor(plans.vision.settings),
            vision_tower=vision_tower,
            product=plans.product,
        )
        return Contestant(entry, encoders, {"text": text, "image": image})

    def _tower(
        self, name: str, table: TextTable | VisionTable, plan: TextPlan | VisionPlan, batches: Iterator[Case]
    ) -> tuple[Path, Tower]:
        key = f"{type(table).__name__} {table.model_dump_json()}"
        if key not in self._built:
            built = plan.build()
            path = self.folder / f"{len(self._built)}.onnx"
            onnx.save(built.graph, path)
            tower = Tower(path)
            hold(name, tower, built.reference, batches)
            self._built[key] = path, tower
        return self._built[key]
