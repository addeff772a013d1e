"""A graph that may serve, and how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# The order in which a release falls back.
PRECISIONS = ("int8", "fp16", "fp32")


@dataclass(frozen=True)
class Candidate:
    """One graph of a tower that the gate decides on.

    Args:
        precision: One of ``PRECISIONS``.
        recipe: How it was made, such as ``islands`` or ``tokenwise``; ``source`` for the FP32 graph itself.
        graph: Its ONNX file.
    """

    precision: str
    recipe: str
    graph: Path

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise ValueError(f"`precision` must be one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if not self.recipe:
            raise ValueError("`recipe` must not be empty")

    @property
    def name(self) -> str:
        """What tables and reports call it."""
        return f"{self.precision}-{self.recipe}"
