"""Engines of a tower's candidates, each in a folder of its own, so that the gate can judge them like graphs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ensemble.engine_stamp import read_stamps
from ensemble.engine_tower import EngineTower
from ensemble.gpu import gpu_here, tensorrt_here
from export.engines import api
from export.engines.build import EngineRecord, build_engine
from export.engines.options import EngineOptions, Profile
from export.errors import EngineFailed
from export.gate.subject import Encoder
from export.precision.candidates import Candidate

SUMMARY = "summary.json"
TIMINGS = "timing.cache"
# What the progress of one engine counts to.
PERCENT = 100

Build = Callable[[Path, Path, EngineOptions, Callable[[int], None]], EngineRecord]


@dataclass(frozen=True)
class Engines:
    """How engines are built and run.

    Args:
        profiles: Shapes that each model will meet.
        build: Builds one.
        start: Loads one.
        typed: Whether precision is the graph's alone; TensorRT 8.6 is told by flags, over the FP32 graph.
    """

    profiles: Mapping[str, Sequence[Profile]]
    build: Build = build_engine
    start: Callable[[Path], Encoder] = EngineTower
    typed: bool = True

    @classmethod
    def here(cls, profiles: Mapping[str, Sequence[Profile]]) -> Engines:
        """Those of this machine.

        Raises:
            EngineFailed: There is no TensorRT, or no GPU.
        """
        require_builder()
        return cls(profiles, typed=api.strongly_typed(api.load_tensorrt()))

    @property
    def machine(self) -> dict[str, str]:
        """What engines follow from beside their graphs."""
        gpu = gpu_here()
        return {"gpu": "none" if gpu is None else gpu.name, "tensorrt": tensorrt_here() or "none"}

    def build_all(
        self, model: str, candidates: Sequence[Candidate], folder: Path, advance: Callable[[int], None]
    ) -> None:
        """Build an engine a candidate, below ``folder/NAME``; they share measured kernels.

        Raises:
            EngineFailed: One cannot be built.
        """
        source = next(one for one in candidates if one.precision == "fp32")
        for one in candidates:
            own = folder / one.name
            own.mkdir()
            flagged = not self.typed and one.precision == "fp16"
            options = EngineOptions(tuple(self.profiles[model]), precision=one.precision, timing_cache=folder / TIMINGS)
            record = self.build((source if flagged else one).graph, own, options, advance)
            told = {"seconds": record.seconds, "bytes": record.bytes, **asdict(record.summary)}
            (own / SUMMARY).write_text(json.dumps(told, indent=2), "utf-8")

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
