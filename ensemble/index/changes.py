"""What an index takes from the catalogue's journal, as seams: the catalogue's values fit them, and so do a test's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.index.columns import Kind


class Change(Protocol):
    """What became of one product."""

    @property
    def id(self) -> str:
        """The product."""

    @property
    def document(self) -> bytes | None:
        """The product as it is now, as UTF-8 JSON; None where it was deleted."""

    @property
    def row(self) -> NDArray[np.float16] | None:
        """Its new ``(row_dim,)`` row in the index's space.

        None where its vectors stayed as they were, or are not made yet; of no length where they are gone.
        """


class Changes(Protocol):
    """Everything that changed since a sequence number, as one state of the catalogue."""

    @property
    def seq(self) -> int:
        """The journal's last entry in this state."""

    @property
    def changes(self) -> Sequence[Change]:
        """At most one a product, in the order in which rows get their slots."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of every attribute that the catalogue has, whether it changed or not."""

    @property
    def all_rows(self) -> bool:
        """Whether every product comes with its row, so that one may be the row that it has already."""


class Journal(Protocol):
    """The ordered changes of a catalogue, as one space sees them. Any call may raise: it can be out of reach."""

    @property
    def catalogue_id(self) -> str | None:
        """The catalogue that it reads; None where it takes any."""

    def changes(self, after: int) -> Changes:
        """What changed after sequence number ``after``; nothing, with ``seq == after``, where nothing did."""

    def head(self) -> int:
        """The last sequence number."""

    def wait(self, timeout_s: float) -> None:
        """Return as soon as there may be something new, at the latest after ``timeout_s``."""

    def nudge(self) -> None:
        """Let a ``wait`` in another thread return at once."""

    def close(self) -> None:
        """Close the connections."""
