"""What requests say, as an engine understands it: filters and business scores by their texts."""

from __future__ import annotations

from typing import Any, Protocol

from ensemble.index.boosts import Boost, Boosts
from ensemble.index.columns import Numbers
from ensemble.index.masks import Masks
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots


class Terms(Protocol):
    """Turns texts into what one kind of engine takes, and keeps it up with the slots.

    What ``passing`` and ``boost`` give is for the engine beside it alone, and for the state that it was asked in.
    """

    def passing(self, text: bytes) -> Any:
        """The products that pass a filter; all where it is empty.

        Raises:
            InvalidInput: It is not a filter over the columns as they are now.
        """
        ...

    def boost(self, text: bytes) -> Any:
        """What an expression adds to each product's inner product; None where it is empty.

        Raises:
            InvalidInput: It is not a business score over the columns as they are now.
        """
        ...

    def changed(self, slots: Numbers) -> None:
        """Note slots whose validity or values changed; new ones among them. No search runs meanwhile."""
        ...

    def forget(self) -> None:
        """Drop all that was compiled: a column changed its kind."""
        ...

    def texts(self) -> list[bytes]:
        """The filters that are kept, the least recently used first."""
        ...

    def scores(self) -> list[bytes]:
        """The business scores that are kept, the least recently used first."""
        ...


class HostTerms:
    """Terms of the engines that search in main memory.

    Args:
        slots: The index.
    """

    def __init__(self, slots: Slots) -> None:
        self.masks, self.boosts = Masks(slots), Boosts(slots)

    def passing(self, text: bytes) -> Passing:
        """See ``Terms.passing``."""
        return self.masks.passing(text)

    def boost(self, text: bytes) -> Boost | None:
        """See ``Terms.boost``."""
        return self.boosts.boost(text)

    def changed(self, slots: Numbers) -> None:
        """See ``Terms.changed``."""
        self.masks.changed(slots)
        self.boosts.changed(slots)

    def forget(self) -> None:
        """See ``Terms.forget``."""
        self.masks.forget()
        self.boosts.forget()

    def texts(self) -> list[bytes]:
        """See ``Terms.texts``."""
        return self.masks.texts()

    def scores(self) -> list[bytes]:
        """See ``Terms.scores``."""
        return self.boosts.texts()
