"""What a report tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from export.gate.values import Bounds, Verdict

Fact = str | int | float | bool
# Name to value; a value that is a mapping, such as layers by precision, is shown as a list.
Facts = Mapping[str, Fact | Mapping[str, Fact]]


@dataclass(frozen=True)
class TowerReport:
    """One tower.

    Args:
        name: Such as ``text_tower``.
        verdicts: On every candidate, in the order that they are to be shown.
        bounds: What was asked, by precision; of every precision that has a candidate.
        chosen: Name of the candidate that serves, ``None`` where none may.
    """

    name: str
    verdicts: tuple[Verdict, ...]
    bounds: Mapping[str, Bounds]
    chosen: str | None

    def __post_init__(self) -> None:
        names = [verdict.candidate.name for verdict in self.verdicts]
        if not names:
            raise ValueError(f"`verdicts` of {self.name} must not be empty")
        if len(set(names)) < len(names):
            raise ValueError(f"`verdicts` of {self.name} must be of different candidates, got {', '.join(names)}")
        if self.chosen is not None and self.chosen not in names:
            raise ValueError(f"`chosen` must be one of {', '.join(names)}, got {self.chosen!r}")
        missing = {verdict.candidate.precision for verdict in self.verdicts} - set(self.bounds)
        if missing:
            raise ValueError(f"`bounds` of {self.name} lack {', '.join(sorted(missing))}")

    @property
    def passed(self) -> bool:
        """Whether a candidate serves."""
        return self.chosen is not None


@dataclass(frozen=True)
class Report:
    """A release, whether it passed or not.

    Args:
        release: Its number, or the one that it would have had.
        target: What the towers run on.
        towers: Text and vision, and the product tower where it was trained.
        catalogue: Facts of the catalogue, such as products and pictures.
        environment: Date, processor, versions.
        notes: What a reader must know besides, in sentences; such as a precision that was fallen back from.
        engines: TensorRT engines by name, with layers by precision, whether attention was fused, and the like.
    """

    release: int
    target: str
    towers: tuple[TowerReport, ...]
    catalogue: Facts
    environment: Facts
    notes: tuple[str, ...] = ()
    engines: Mapping[str, Facts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.towers:
            raise ValueError("`towers` must not be empty")

    @property
    def passed(self) -> bool:
        """Whether the release may serve."""
        return all(tower.passed for tower in self.towers)
