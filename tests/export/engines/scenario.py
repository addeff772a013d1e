"""Everything that our code asks of one version of TensorRT, in a process of its own: the module is one a process.

``python -m tests.export.engines.scenario WORK`` with the bindings on ``PYTHONPATH`` and the stubs on
``LD_LIBRARY_PATH``; prints what happened as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tensorrt_bindings as real  # type: ignore[import-not-found]
from numpy.typing import NDArray

from ensemble.engine_tower import EngineTower
from ensemble.errors import EnsembleError
from ensemble.gpu import Gpu
from ensemble.towers import Tower
from export.engines import api, build
from export.engines.build import build_engine
from export.engines.options import Batches, EngineOptions, text_profiles, vision_profiles
from export.errors import ExportError
from tests import tiny
from tests.export.engines.double import Double, Journal
from tests.export.engines.library import Library, write_quantized
from tests.export.engines.surface import names_used

BUCKETS = (4, 8)
VISION = vision_profiles(tiny.SIZE)


class HostMemory:
    """Stands for the GPU's memory."""

    stream = 0

    def put(self, array: NDArray[Any]) -> NDArray[Any]:
        return array.copy()

    def empty(self, shape: tuple[int, ...]) -> NDArray[np.float32]:
        return np.empty(shape, np.float32)

    def address(self, tensor: NDArray[Any]) -> int:
        return int(tensor.ctypes.data)

    def get(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        return tensor

    def wait(self) -> None:
        """There is nothing to wait for."""


class Scenario:
    def __init__(self, work: Path) -> None:
        self.work = work
        self.journal: Journal = []
        self.library = Library(real, self.journal)
        sys.modules["tensorrt"] = self.library  # type: ignore[assignment]
        build.gpu_here = lambda: Gpu("NVIDIA Stub", "9.0", "580.65")  # type: ignore[attr-defined]
        self.text, self.vision, self.quantized = work / "text.onnx", work / "vision.onnx", work / "int8.onnx"
        onnx.save(tiny.text_tower(), self.text)
        onnx.save(tiny.vision_tower(), self.vision)
        write_quantized(tiny.vision_tower(), self.quantized)

    def play(self) -> dict[str, Any]:
        return {
            "version": real.__version__,
            "surface": {name: _has(name) for name in names_used()},
            "precisions": {
                precision: self._journal_of(self.quantized if precision == "int8" else self.vision, precision)
                for precision in ("fp32", "fp16", "int8")
            },
            "everything": self._everything(),
            "refused": self._refused(),
            "wrong_branch": self._wrong_branch(),
            "misuse": self._misuse(),
            "interrupted": self._interrupted(),
            "timings": self._timings(),
            "tower": self._tower(),
        }

    def _journal_of(self, graph: Path, precision: str) -> Journal:
        self.journal.clear()
        build_engine(graph, self.work / precision, EngineOptions(VISION, precision=precision))
        return list(self.journal)

    def _everything(self) -> dict[str, Any]:
        """A build with every option that is not the default."""
        percents: list[int] = []
        options = EngineOptions(
            text_profiles(BUCKETS, Batches(1, 2, 5)), precision="fp16", workspace_bytes=1 << 30,
            hardware_compatibility="ampere_plus", version_compatible=True, refit=True, optimization_level=5, tf32=True,
        )  # fmt: skip
        self.journal.clear()
        record = build_engine(self.text, self.work / "all", options, percents.append)
        files = sorted(path.name for path in (self.work / "all").iterdir())
        return {
            "journal": list(self.journal),
            "percents": percents,
            "files": files,
            "stamp": asdict(record.stamp),
            "summary": asdict(record.summary),
            "told": record.summary.told(),
        }

    def _refused(self) -> dict[str, str]:
        """What is told when a build cannot be made."""
        told = {}
        out, options = self.work / "refused", EngineOptions(VISION)
        self.library.refuses_graph = True
        told["graph"] = _told(lambda: build_engine(self.vision, out, options))
        self.library.refuses_graph, self.library.refuses_build = False, True
        told["build"] = _told(lambda: build_engine(self.vision, out, options))
        self.library.refuses_build = False
        told["profiles"] = _told(lambda: build_engine(self.text, out, options))
        told["size"] = _told(lambda: build_engine(self.vision, out, EngineOptions(vision_profiles(tiny.SIZE * 2))))
        told["no_qdq"] = _told(lambda: build_engine(self.vision, out, EngineOptions(VISION, precision="int8")))
        same = EngineOptions(VISION, hardware_compatibility="same_compute_capability")
        told["same_cc"] = _told(lambda: build_engine(self.vision, self.work / "same", same))
        told["missing"] = _told(lambda: build_engine(self.work / "none.onnx", out, options))
        told["left"] = str(sorted(out.glob("*")))
        return told

    def _wrong_branch(self) -> str:
        """What happens if a version is taken for one of the other branch."""
        right = api.strongly_typed
        api.strongly_typed = lambda trt: not right(trt)
        try:
            options = EngineOptions(VISION, precision="fp16")
            return _told(lambda: build_engine(self.vision, self.work / "wrong", options))
        finally:
            api.strongly_typed = right

    def _misuse(self) -> dict[str, str]:
        """Calls that a double must refuse, or the tests would prove nothing."""
        config = Double(real, "IBuilderConfig", [], {"int8_calibrator": None})
        network = Double(real, "INetworkDefinition", [])
        return {
            "unknown": _told(lambda: config.set_precision("fp16")),
            "calibrator": _told(lambda: config.int8_calibrator),
            "arity": _told(config.set_flag),
            "type": _told(lambda: config.set_flag(6)),
            "read_only": _told(lambda: setattr(config, "num_optimization_profiles", 3)),
            "index": _told(lambda: network.get_input("PIXELS")),
        }

    def _interrupted(self) -> dict[str, Any]:
        """Ctrl-C in the middle of a build."""
        steps: list[int] = []

        def press() -> None:
            steps.append(1)
            if len(steps) == 2:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.3)  # the main thread's turn

        self.library.on_step = press
        out = self.work / "interrupted"
        told = _told(lambda: build_engine(self.vision, out, EngineOptions(VISION)))
        self.library.on_step = lambda: None
        return {"told": told, "steps": len(steps), "left": sorted(map(str, out.glob("*")))}

    def _timings(self) -> dict[str, Any]:
        """The timing cache: made, used again, refused."""
        path, found = self.work / "timing.cache", {}
        options = EngineOptions(VISION, timing_cache=path)
        for name, kept, refuses in (("new", None, False), ("kept", b"old", False), ("foreign", b"old", True)):
            if kept is not None:
                path.write_bytes(kept)
            self.library.refuses_timings = refuses
            self.journal.clear()
            build_engine(self.vision, self.work / "timed", options)
            attached = [args for call, args in self.journal if call == "IBuilderConfig.set_timing_cache"]
            found[name] = {"attached": attached, "file": path.read_bytes().decode()}
        self.library.refuses_timings = False
        return found

    def _tower(self) -> dict[str, Any]:
        """The engine against ONNX Runtime over the same graph."""
        options = EngineOptions(text_profiles(BUCKETS, Batches(1, 2, 5)))
        plan = build_engine(self.text, self.work / "tower", options).plan
        engine, twin = EngineTower(plan, memory=HostMemory()), Tower(self.text)
        random, differences = np.random.default_rng(3), []
        for rows, width in ((1, 4), (3, 8), (5, 4), (12, 8)):
            feed: dict[str, NDArray[Any]] = {
                "INPUT_IDS": random.integers(0, 10, (rows, width)),
                "LENGTHS": random.integers(1, width, (rows, 1)).astype(np.int32),
            }
            differences.append(float(np.abs(engine.encode(feed) - twin.encode(feed)).max()))
        one = np.ones((1, 1), np.int32)
        too_large = {"INPUT_IDS": np.full((1, 4), 1 << 40), "LENGTHS": one}
        return {
            "differences": differences,
            "surface": [list(engine.inputs), engine.output, engine.dim]
            == [list(twin.inputs), twin.output, twin.dim],
            "width": _told(lambda: engine.encode({"INPUT_IDS": np.ones((1, 5), np.int64), "LENGTHS": one})),
            "empty": _told(lambda: engine.encode({"INPUT_IDS": np.ones((0, 4), np.int64), "LENGTHS": one[:0]})),
            "too_large": _told(lambda: engine.encode(too_large)),
            "changed": _told(lambda: EngineTower(_changed(plan), memory=HostMemory())),
        }  # fmt: skip


def _changed(plan: Path) -> Path:
    plan.write_bytes(plan.read_bytes() + b" ")
    return plan


def _told(run: Callable[[], Any]) -> str:
    try:
        run()
    except (ExportError, EnsembleError, AttributeError, TypeError, KeyboardInterrupt) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was raised"


def _has(name: str) -> bool:
    found: Any = real
    for part in name.split("."):
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


if __name__ == "__main__":
    print(json.dumps(Scenario(Path(sys.argv[1])).play()))  # noqa: T201 -- what the test reads
