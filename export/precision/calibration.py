"""Real inputs that ranges are measured on; the gate judges on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from export.errors import BadCalibration
from export.reference import Array


@dataclass(frozen=True)
class Calibration:
    """Batches of real inputs.

    Args:
        batches: By tensor name, as the tower takes them.

    Raises:
        BadCalibration: There is no batch, or an empty one.
    """

    batches: Sequence[Mapping[str, Array]]

    def __post_init__(self) -> None:
        if not self.batches or any(array.size == 0 for batch in self.batches for array in batch.values()):
            raise BadCalibration("calibration needs real inputs: there are no batches, or an empty one")

    @property
    def rows(self) -> int:
        """How many inputs there are."""
        return sum(len(next(iter(batch.values()))) for batch in self.batches)
