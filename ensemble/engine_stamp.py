"""What a TensorRT engine was built with: written beside its plan, read before anything loads it.

An engine runs with the TensorRT and on the kind of GPU that it was built with, unless it was built to be compatible
with more. Those that fit other GPUs may lie in the same folder, each plan with a stamp of its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ensemble.errors import DamagedRelease
from ensemble.gpu import Gpu

FORMAT = 1
SUFFIX = ".engine.json"
COMPATIBILITIES = ("none", "ampere_plus", "same_compute_capability")
AMPERE = (8, 0)
# Support matrix of TensorRT 11.4: the only pairs of major versions (built with, run with) between which a
# version-compatible engine may move.
ACROSS_MAJORS = ((8, 10), (10, 11))
OLDEST_COMPATIBLE = (8, 6)


@dataclass(frozen=True)
class EngineStamp:
    """The record of one engine.

    Args:
        plan: File name of the engine.
        plan_sha256: Its SHA-256 in hex.
        graph: File name of the ONNX graph that it was built from.
        graph_sha256: The graph's SHA-256 in hex.
        precision: ``fp32``, ``fp16`` or ``int8``.
        tensorrt: Version of TensorRT, all its numbers.
        gpu: Name of the GPU.
        compute_capability: ``MAJOR.MINOR`` of the GPU.
        driver: Version of the driver.
        options: What the builder was told, by name.
        format: Version of this file's format.
    """

    plan: str
    plan_sha256: str
    graph: str
    graph_sha256: str
    precision: str
    tensorrt: str
    gpu: str
    compute_capability: str
    driver: str
    options: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise ValueError(f"`format` must be {FORMAT}, got {self.format}")
        if Path(self.plan).name != self.plan or not self.plan:
            raise ValueError(f"`plan` must be a file name, got {self.plan!r}")
        if self.hardware_compatibility not in COMPATIBILITIES:
            allowed = ", ".join(COMPATIBILITIES)
            raise ValueError(f"`hardware_compatibility` must be one of {allowed}, got {self.hardware_compatibility!r}")
        _numbers(self.tensorrt)
        Gpu(self.gpu, self.compute_capability)

    @property
    def version_compatible(self) -> bool:
        """Whether newer versions of TensorRT may run it; it then carries code that the runtime must be let to load."""
        return bool(self.options.get("version_compatible", False))

    @property
    def hardware_compatibility(self) -> str:
        """One of ``COMPATIBILITIES``."""
        return str(self.options.get("hardware_compatibility", "none"))

    def mismatches(self, tensorrt: str, compute_capability: str) -> tuple[str, ...]:
        """Why the engine cannot run with a TensorRT on a GPU, a line a reason; empty where it can."""
        told = []
        if not self._runs_with(tensorrt):
            kind = "a version-compatible engine of " if self.version_compatible else ""
            told.append(f"built with {kind}TensorRT {self.tensorrt}; here is {tensorrt}")
        if not self._runs_on(compute_capability):
            level = "" if self.hardware_compatibility == "none" else f" and `{self.hardware_compatibility}`"
            built = f"{self.gpu}, compute capability {self.compute_capability}{level}"
            told.append(f"built for {built}; here is {compute_capability}")
        return tuple(told)

    def _runs_with(self, tensorrt: str) -> bool:
        built, here = _numbers(self.tensorrt), _numbers(tensorrt)
        shared = min(len(built), len(here))
        if built[:shared] == here[:shared]:
            return True
        compatible = self.version_compatible and OLDEST_COMPATIBLE <= built < here
        return compatible and (built[0] == here[0] or (built[0], here[0]) in ACROSS_MAJORS)

    def _runs_on(self, compute_capability: str) -> bool:
        if self.hardware_compatibility == "ampere_plus":
            return _numbers(compute_capability) >= AMPERE
        return compute_capability == self.compute_capability

    def save(self, folder: Path) -> Path:
        """Write beside the plan; returns the path."""
        path = stamp_path(folder / self.plan)
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")
        return partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> EngineStamp:
        """Read back what ``save`` wrote.

        Raises:
            DamagedRelease: The file is missing or not a stamp.
        """
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DamagedRelease(f"{path}: not the stamp of an engine: {error!r}") from error


def stamp_path(plan: Path) -> Path:
    """Where the stamp of a plan is."""
    return plan.with_name(plan.stem + SUFFIX)


def read_stamps(folder: Path) -> list[EngineStamp]:
    """Stamps of a folder, by file name; of those alone whose plan is there.

    Raises:
        DamagedRelease: A stamp cannot be read.
    """
    stamps = [EngineStamp.load(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    return [stamp for stamp in stamps if (folder / stamp.plan).is_file()]


def compute_capabilities(folder: Path) -> dict[str, str]:
    """Plan of each compute capability that has one of its own, as Triton's ``cc_model_filenames`` wants it.

    Such as ``{"8.9": "model_sm89.plan", "9.0": "model_sm90.plan"}``.

    Raises:
        DamagedRelease: A stamp cannot be read.
    """
    return {stamp.compute_capability: stamp.plan for stamp in read_stamps(folder)}


def _numbers(version: str) -> tuple[int, ...]:
    """At most four leading numbers of a version: ``10.13.3.9.post1`` is ``(10, 13, 3, 9)``."""
    found = re.match(r"\d+(\.\d+){1,3}", version)
    if not found:
        raise ValueError(f"a version must be numbers with dots between them, got {version!r}")
    return tuple(int(number) for number in found.group().split("."))
