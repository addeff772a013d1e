"""What is to be released, and the plan that follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ensemble.settings import ProductSettings
from export.gate.choose import ASKED, AUTO
from export.plans import TextPlan, VisionPlan
from export.targets import CPU, TENSORRT, choose_device
from export.text_towers import plan_text
from export.towers_file import TowersFile, load
from export.vision_towers import plan_vision

DEFAULT_TOWERS = Path(__file__).resolve().parent.parent / "sample" / "towers.toml"


@dataclass(frozen=True)
class Order:
    """What is to be released.

    Args:
        catalogue: Path or URL of a file, which the store's catalogue is made equal to; or URL of a database, which is
            released as it is. Empty for the store's own database.
        store: Where releases go.
        towers: The towers file.
        columns: A TOML file with ``[columns]``, which goes before that of the towers file.
        target: What the towers run on.
        skip_bad_rows: Go on without rows that cannot become products.
        device: ``cpu`` or ``gpu``; empty for the target's own.
        precision: ``auto`` for the fastest that passes the gate, or ``int8``, ``fp16``, ``fp32``.
        allow_precision: Where the asked precision fails its gate, fall back down int8, fp16, fp32.
        queries: Held-out queries for the gate and the baseline, which go before those of the towers file.
        calibration: Queries to calibrate on, which go before those of the towers file.
        vectors: Folder of shards (``export.bulk``) that rows are taken from instead of being encoded again.
    """

    catalogue: str
    store: Path
    towers: Path = DEFAULT_TOWERS
    columns: Path | None = None
    target: str = CPU
    skip_bad_rows: bool = False
    device: str = ""
    precision: str = AUTO
    allow_precision: bool = False
    queries: Path | None = None
    calibration: Path | None = None
    vectors: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "device", choose_device(self.target, self.device))
        if self.precision not in ASKED:
            raise ValueError(f"`precision` must be one of {', '.join(ASKED)}, got {self.precision!r}")
        if self.allow_precision and self.precision not in ("int8", "fp16"):
            raise ValueError(f"`allow_precision` only beside precision int8 or fp16, got {self.precision!r}")
        for name, path in (("queries", self.queries), ("calibration", self.calibration)):
            if path is not None and not path.is_file():
                raise ValueError(f"`{name}` must be a file that exists, got {path}")
        if self.calibration is not None and not self.judged:
            raise ValueError("`calibration` only where something is judged; precision fp32 is held to its source alone")
        if self.vectors is not None and not self.vectors.is_dir():
            raise ValueError(f"`vectors` must be a folder that exists, got {self.vectors}")

    @property
    def judged(self) -> bool:
        """Whether there is a gate: FP32 is held to its source already, but engines are always judged."""
        return self.precision != "fp32" or self.target == TENSORRT


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
