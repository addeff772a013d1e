"""What was measured when an index was built, and decides how far its searches look."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

SETTINGS = "ann.json"
RATES = (1.0, 0.1, 0.01)
COUNTS = (10, 100)


@dataclass(frozen=True)
class Tuned:
    """How far to look.

    Args:
        margins: So many standard deviations above its centroid's score a row of a list may score, where all rows pass a
            filter, a tenth of them, and a hundredth.
        candidates: How many slots are taken by their codes, where 10 and where 100 hits are wanted.
    """

    margins: tuple[float, ...]
    candidates: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.margins) != len(RATES) or len(self.candidates) != len(COUNTS):
            raise ValueError(f"{len(RATES)} margins and {len(COUNTS)} candidates expected, got {self}")

    def margin(self, rate: float) -> float:
        """Between those that were measured, by the logarithm of the share of rows that pass."""
        place = min(max(-math.log10(rate), 0.0), len(RATES) - 1.0)
        low = min(int(place), len(RATES) - 2)
        return self.margins[low] + (place - low) * (self.margins[low + 1] - self.margins[low])

    def candidate_count(self, wanted: int) -> int:
        """Through the two that were measured, as a power of how many hits are wanted."""
        few, many = self.candidates
        power = math.log10(many / few)
        more: float = few * (wanted / COUNTS[0]) ** power
        return max(few, wanted, math.ceil(more))

    def save(self, folder: Path) -> None:
        """Write ``ann.json``."""
        (folder / SETTINGS).write_text(json.dumps(asdict(self)) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> Tuned:
        """Read what ``save`` wrote."""
        content = json.loads((folder / SETTINGS).read_text("utf-8"))
        return cls(tuple(content["margins"]), tuple(content["candidates"]))
