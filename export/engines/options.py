"""What the builder of an engine is told, by names that every version of TensorRT shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.engine_stamp import COMPATIBILITIES
from export.precision.candidates import PRECISIONS

GIB = 1 << 30
# What TensorRT itself takes where it is not told; level 3 of 0 (fast build) to 5 (thorough).
OPTIMIZATION_LEVEL = 3
LEVELS = range(6)


@dataclass(frozen=True)
class Batches:
    """Rows of one run.

    Args:
        least: Fewest.
        usual: How many the kernels are tuned for.
        most: Most; more go in several runs.
    """

    least: int = 1
    usual: int = 8
    most: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.usual <= self.most:
            found = f"{self.least}, {self.usual}, {self.most}"
            raise ValueError(f"`least`, `usual` and `most` must be 1 or more and not descend, got {found}")


@dataclass(frozen=True)
class Shapes:
    """Smallest, tuned and largest shape of one input."""

    least: tuple[int, ...]
    usual: tuple[int, ...]
    most: tuple[int, ...]

    def __post_init__(self) -> None:
        if not len(self.least) == len(self.usual) == len(self.most):
            raise ValueError(f"shapes must have the same rank, got {self.least}, {self.usual}, {self.most}")
        rising = zip(self.least, self.usual, self.most, strict=True)
        if not all(1 <= low <= middle <= high for low, middle, high in rising):
            raise ValueError(f"sizes must be 1 or more and not descend, got {self.least}, {self.usual}, {self.most}")

    @classmethod
    def of(cls, batches: Batches, *rest: int) -> Shapes:
        """Batches of rows whose own shape is ``rest``."""
        return cls((batches.least, *rest), (batches.usual, *rest), (batches.most, *rest))


Profile = Mapping[str, Shapes]


def text_profiles(buckets: Sequence[int], batches: Batches = Batches()) -> tuple[Profile, ...]:
    """One profile a bucket length: token ids are always padded to one, so kernels are tuned for exactly these."""
    return tuple(
        {"INPUT_IDS": Shapes.of(batches, bucket), "LENGTHS": Shapes.of(batches, 1)} for bucket in sorted(buckets)
    )


def vision_profiles(size: int, batches: Batches = Batches()) -> tuple[Profile, ...]:
    """One profile: all pictures are ``(size, size, 3)``."""
    return ({"PIXELS": Shapes.of(batches, size, size, 3)},)


@dataclass(frozen=True)
class EngineOptions:
    """How an engine is built.

    Args:
        profiles: Shapes that it will meet; at least one profile, all over the same inputs.
        precision: Of the graph. TensorRT 10 and 11 read it from the graph itself; 8.6 is told by flags.
        workspace_bytes: Most GPU memory that one kernel may use for its own.
        hardware_compatibility: ``none``: runs on GPUs of the same kind; ``ampere_plus``: on all since Ampere, slower;
            ``same_compute_capability``: on all of the same compute capability (since TensorRT 10).
        version_compatible: Newer TensorRT may run it; it carries a runtime of its own, and may be slower.
        refit: Weights may be exchanged later; forbids some fusions.
        optimization_level: 0 builds fast, 5 thoroughly.
        tf32: Let FP32 layers multiply in TF32, with 10 bits of mantissa instead of 23.
        timing_cache: File of measured kernels; makes a second build fast and its choice of kernels the same.
    """

    profiles: tuple[Profile, ...]
    precision: str = "fp32"
    workspace_bytes: int = 4 * GIB
    hardware_compatibility: str = "none"
    version_compatible: bool = False
    refit: bool = False
    optimization_level: int = OPTIMIZATION_LEVEL
    tf32: bool = False
    timing_cache: Path | None = None

    def __post_init__(self) -> None:
        if not self.profiles:
            raise ValueError("`profiles` must hold at least one")
        names = {tuple(sorted(profile)) for profile in self.profiles}
        if len(names) > 1 or names == {()}:
            raise ValueError(f"`profiles` must all be over the same inputs, got {sorted(names)}")
        if self.precision not in PRECISIONS:
            raise ValueError(f"`precision` must be one of {', '.join(PRECISIONS)}, got {self.precision!r}")
        if self.workspace_bytes < 1:
            raise ValueError(f"`workspace_bytes` must be at least 1, got {self.workspace_bytes}")
        if self.hardware_compatibility not in COMPATIBILITIES:
            allowed = ", ".join(COMPATIBILITIES)
            raise ValueError(f"`hardware_compatibility` must be one of {allowed}, got {self.hardware_compatibility!r}")
        if self.optimization_level not in LEVELS:
            raise ValueError(f"`optimization_level` must be 0 to {LEVELS[-1]}, got {self.optimization_level}")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs that the profiles are over."""
        return tuple(self.profiles[0])

    @property
    def is_compatible(self) -> bool:
        """Whether the engine is to run on more than this kind of GPU and this TensorRT."""
        return self.version_compatible or self.hardware_compatibility != "none"

    def told(self) -> dict[str, Any]:
        """The options as JSON, for the stamp; the timing cache is left out, which changes no answer."""
        return {
            "profiles": [
                {name: [list(one.least), list(one.usual), list(one.most)] for name, one in profile.items()}
                for profile in self.profiles
            ],
            "workspace_bytes": self.workspace_bytes,
            "hardware_compatibility": self.hardware_compatibility,
            "version_compatible": self.version_compatible,
            "refit": self.refit,
            "optimization_level": self.optimization_level,
            "tf32": self.tf32,
        }
