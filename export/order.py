"""What is to be released, and the plan that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ensemble.settings import ProductSettings
from export.plans import TextPlan, VisionPlan
from export.text_towers import plan_text
from export.towers_file import TowersFile, load
from export.vision_towers import plan_vision

TARGETS = ("cpu",)
PLANNED_TARGETS = ("onnxruntime", "tensorrt")
DEFAULT_TOWERS = Path(__file__).resolve().parent.parent / "sample" / "towers.toml"


@dataclass(frozen=True)
class Order:
    """What is to be released.

    Args:
        catalogue: Path or URL of the catalogue.
        store: Where releases go.
        towers: The towers file.
        columns: A TOML file with ``[columns]``, which goes before that of the towers file.
        target: What the towers run on.
        skip_bad_rows: Go on without rows that cannot become products.
    """

    catalogue: str
    store: Path
    towers: Path = DEFAULT_TOWERS
    columns: Path | None = None
    target: str = "cpu"
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        if self.target in PLANNED_TARGETS:
            raise ValueError(f"`target` {self.target!r} is not there yet; allowed: {', '.join(TARGETS)}")
        if self.target not in TARGETS:
            raise ValueError(f"`target` must be one of {', '.join(TARGETS)}, got {self.target!r}")


@dataclass(frozen=True)
class Plans:
    """Towers to be, and how their vectors meet.

    Args:
        file: The towers file.
        text: The text tower.
        vision: The vision tower.
    """

    file: TowersFile
    text: TextPlan
    vision: VisionPlan

    @classmethod
    def of(cls, towers: Path) -> Plans:
        """Plan what a towers file asks for.

        Raises:
            BadTowers: The file is not valid; lists every problem.
            BadSource: A source is missing or does not fit.
        """
        file = load(towers)
        return cls(file, plan_text(file.text), plan_vision(file.vision))

    @property
    def product(self) -> ProductSettings:
        """Fields of a product's text."""
        return ProductSettings(self.file.product.text)
