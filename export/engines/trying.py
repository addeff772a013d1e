"""Engines of a tower's candidates, each in a folder of its own, so that the gate can judge them like graphs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ensemble.engine_stamp import read_stamps
from ensemble.engine_tower import EngineTower
from ensemble.gpu import gpu_here, tensorrt_here
from export.engines import api
from export.engines.build import EngineRecord, build_engine
from export.engines.options import GIB, EngineOptions, Profile
from export.engines.table import EngineTable
from export.errors import EngineFailed
from export.gate.subject import Encoder
from export.precision.candidates import Candidate

SUMMARY = "summary.json"
FAILED = "failed.txt"
TIMINGS = "timing.cache"
# What the progress of one engine counts to.
PERCENT = 100

Build = Callable[[Path, Path, EngineOptions, Callable[[int], None]], EngineRecord]


@dataclass(frozen=True)
class Engines:
    """How engines are built and run.

    Args:
        profiles: Shapes that each model will meet.
        table: What was asked for.
        build: Builds one.
        start: Loads one.
        typed: Whether precision is the graph's alone; TensorRT 8.6 is told by flags, over the FP32 graph.
    """

    profiles: Mapping[str, Sequence[Profile]]
    table: EngineTable = field(default_factory=EngineTable)
    build: Build = build_engine
    start: Callable[[Path], Encoder] = EngineTower
    typed: bool = True

    @classmethod
    def here(cls, profiles: Mapping[str, Sequence[Profile]], table: EngineTable) -> Engines:
        """Those of this machine.

        Raises:
            EngineFailed: There is no TensorRT, or no GPU.
        """
        require_builder()
        return cls(profiles, table, typed=api.strongly_typed(api.load_tensorrt()))

    @property
    def machine(self) -> dict[str, str]:
        """What engines follow from beside their graphs."""
        gpu = gpu_here()
        here = {"gpu": "none" if gpu is None else gpu.name, "tensorrt": tensorrt_here() or "none"}
        return here | {"table": self.table.model_dump_json()}

    def build_all(
        self, model: str, candidates: Sequence[Candidate], folder: Path, advance: Callable[[int], None]
    ) -> None:
        """Build an engine a candidate, below ``folder/NAME``; they share measured kernels.

        Raises:
            EngineFailed: That of the FP32 graph cannot be built; what became of the others is told by ``built``.
        """
        source = next(one for one in candidates if one.precision == "fp32")
        for one in candidates:
            own = folder / one.name
            own.mkdir()
            flagged = not self.typed and one.precision == "fp16"
            options = self._options(model, one.precision, folder / TIMINGS)
            try:
                record = self.build((source if flagged else one).graph, own, options, advance)
            except EngineFailed as error:
                if one is source:
                    raise
                (own / FAILED).write_text(str(error), "utf-8")
                continue
            told = {"seconds": record.seconds, "bytes": record.bytes, **asdict(record.summary)}
            (own / SUMMARY).write_text(json.dumps(told, indent=2), "utf-8")

    def _options(self, model: str, precision: str, timings: Path) -> EngineOptions:
        return EngineOptions(
            tuple(self.profiles[model]),
            precision=precision,
            workspace_bytes=int(self.table.workspace_gib * GIB),
            hardware_compatibility=self.table.hardware_compatibility,
            version_compatible=self.table.version_compatible,
            refit=self.table.refit,
            optimization_level=self.table.optimization_level,
            timing_cache=timings,
        )

    def built(self, folder: Path, candidates: Sequence[Candidate]) -> tuple[list[Candidate], dict[str, str]]:
        """Candidates that have an engine, and why the others have none."""
        failed = {
            one.name: path.read_text("utf-8") for one in candidates if (path := folder / one.name / FAILED).is_file()
        }
        return [one for one in candidates if one.name not in failed], failed

    def opener(self, folder: Path, candidates: Sequence[Candidate]) -> Callable[[Path, int], Encoder]:
        """Opens a candidate's engine where the gate asks for its graph."""
        names = {one.graph: one.name for one in candidates}

        def start(graph: Path, threads: int) -> Encoder:
            (stamp,) = read_stamps(folder / names[graph])
            return self.start(folder / names[graph] / stamp.plan)

        return start


def require_builder() -> None:
    """See that engines can be built here, before the long work begins.

    Raises:
        EngineFailed: There is no TensorRT, or no GPU.
    """
    api.load_tensorrt()
    if gpu_here() is None:
        raise EngineFailed("target tensorrt: an engine is built on the kind of GPU that it will run on; none here")


def engine_files(folder: Path) -> list[Path]:
    """Plan and stamp of an engine that ``build_all`` made."""
    return [path for path in sorted(folder.iterdir()) if path.name != SUMMARY]
