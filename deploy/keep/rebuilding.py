"""An index made from the database alone, for when no snapshot can be used."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from catalogue.database import Changes, Journal
from ensemble.index import Changes as AnyChanges
from ensemble.index import ExactEngine, Index, Slots
from ensemble.settings import SpaceSettings

AT_ONCE = 4_096


def rebuild(
    journal: Journal,
    space: SpaceSettings,
    catalogue_id: str,
    encode: Callable[[AnyChanges], AnyChanges] | None = None,
) -> Index:
    """Every product of the catalogue, and its row where it has one.

    Args:
        journal: Of the space; of what ``encode`` takes, where that makes other rows.
        space: The space.
        catalogue_id: The catalogue's.
        encode: From the journal's changes to those of the index; None for the same.

    Raises:
        DatabaseError: The database is away.
    """
    slots = Slots.empty(space.space_id, space.row_dim, catalogue_id=catalogue_id)
    index = Index(slots, ExactEngine(slots))
    with journal.everything() as everything:
        changes = iter(everything.changes)
        parts = max(1, math.ceil(everything.count / AT_ONCE))
        # Nobody searches it yet, so that it may pass through states that the catalogue never had.
        for seq in range(everything.seq - parts + 1, everything.seq + 1):
            part: AnyChanges = Changes(seq, tuple(itertools.islice(changes, AT_ONCE)), everything.kinds)
            index.apply(part if encode is None else encode(part))
    return index
