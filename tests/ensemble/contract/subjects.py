"""The engines under contract, and what each promises.

=========  ===========================  ==============  ===============
engine     the best of what passes      ties            business scores
=========  ===========================  ==============  ===============
exact      always                       by slot         yes
ann        up to 6,000 rows that pass   by slot         yes
ann-lists  where it looks everywhere    by slot         yes
gpu        always                       by slot         yes
gpu-int8   always, by all likelihood    by slot         yes
milvus     with an index of type FLAT   which it likes  refused by name
=========  ===========================  ==============  ===============

``ann`` scores so few rows directly; ``ann-lists`` is the same engine, made to go through its lists, all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from ensemble.index import Changes, ExactEngine, Index, Searchable
from ensemble.index.ann.engine import AnnEngine
from ensemble.index.ann.structure import Structure
from ensemble.index.ann.tuned import Tuned
from ensemble.index.choice import EngineChoice, EngineName
from ensemble.index.engines import EXACT
from ensemble.index.milvus import MilvusIndex, MilvusOptions
from ensemble.index.snapshot import header_of, load
from tests.ensemble.contract.shop import FIRST, product, row, shop
from tests.ensemble.journal_twin import CATALOGUE, SPACE, TwinCatalogue


class Living(Searchable, Protocol):
    """What every engine's index does beside being searched."""

    @property
    def catalogue_id(self) -> str:
        """The catalogue that the products are of."""

    def apply(self, changes: Changes) -> None:
        """Bring it to another state of the catalogue."""

    def save(self, folder: Path) -> dict[str, str]:
        """Write a snapshot."""


class Opens(Protocol):
    """How an engine is opened."""

    def __call__(self, folder: Path, *, space_id: str = SPACE.space_id) -> Living:
        """Take what a snapshot holds."""


@dataclass(frozen=True)
class Subject:
    """One engine.

    Args:
        name: As in the table.
        open: Opens a snapshot.
        start: A snapshot of the shop.
        ties_by_slot: Whether of equally good products those come first that were there first.
        has_ranks: Whether it takes business scores.
        examples: How many of a property's examples it is tried with: some are slow.
    """

    name: str
    open: Opens
    start: Path
    ties_by_slot: bool = True
    has_ranks: bool = True
    examples: int = 25

    def begun(self) -> tuple[TwinCatalogue, Living]:
        """The shop, and an index of it."""
        return shop(), self.open(self.start)

    def lived(self) -> tuple[TwinCatalogue, Living]:
        """The same a while later: products moved, went, came and were patched."""
        catalogue, index = self.begun()
        for number in range(0, 30, 3):
            catalogue.upsert(product(number, title="moved"), row(number + 4))
            catalogue.delete(f"S{number + 1}")
            catalogue.patch(f"S{number + 2}", price=7.5, attributes={"color": "red", "size": 2.5})
            catalogue.upsert(product(FIRST + number), row(number))
        index.apply(catalogue.changes(index.seq))
        return catalogue, index


class Opened:
    """The collections of Milvus that are open: one a space, since to make one takes a second."""

    def __init__(self) -> None:
        self._indexes: dict[str, MilvusIndex] = {}

    def milvus(self, options: MilvusOptions, folder: Path, *, space_id: str = SPACE.space_id) -> MilvusIndex:
        """The collection of a space, filled from a snapshot: it holds nothing else any more."""
        if space_id not in self._indexes:
            made = MilvusIndex.create(options, space_id, SPACE.row_dim, catalogue_id=CATALOGUE)
            self._indexes[space_id] = made
        self._indexes[space_id].fill(folder)
        return self._indexes[space_id]

    def close(self) -> None:
        """Close them."""
        for index in self._indexes.values():
            index.close()


def subjects_in(folder: Path, opened: Opened) -> dict[str, Subject]:
    """All engines, by name.

    Args:
        folder: With the snapshot of the shop in ``start``.
        opened: Closes what has to be closed in the end.
    """
    # Its process begins with the first call.
    milvus = partial(opened.milvus, MilvusOptions(str(folder / "milvus.db"), timeout_s=60.0))
    start = folder / "start"
    made = (
        Subject("exact", partial(_open, "exact"), start),
        Subject("ann", partial(_open, "cpu"), start),
        Subject("ann-lists", _open_lists, start),
        Subject("gpu", partial(_open, "gpu"), start, examples=4),
        Subject("gpu-int8", partial(_open, "gpu-int8"), start, examples=4),
        Subject("milvus", milvus, start, ties_by_slot=False, has_ranks=False, examples=6),
    )
    return {subject.name: subject for subject in made}


def _open(name: EngineName, folder: Path, *, space_id: str = SPACE.space_id) -> Index:
    return Index.open(folder, space_id=space_id, engine=EngineChoice(name))


def _open_lists(folder: Path, *, space_id: str = SPACE.space_id) -> Index:
    slots = load(folder, space_id=space_id)
    if header_of(folder)["engine"] == EXACT:
        return Index(slots, ExactEngine(slots))
    lists = Structure.load(folder)
    return Index(slots, AnnEngine(slots, lists, Tuned.load(folder), direct_rows=0))


_ALL = subjects_in(Path(), Opened())
NAMES = tuple(_ALL)
# Those that take business scores.
RANKING = tuple(name for name, subject in _ALL.items() if subject.has_ranks)
