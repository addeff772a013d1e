"""Ways to run a tower on a GPU, each from numpy to numpy, so that all pay for the same copies; FP32 is never TF32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.side_by_side import Feed, System
from benchmarks.tensorrt_graphs import SOURCE, BenchTower
from ensemble.engine_tower import EngineTower
from export.engines.build import EngineRecord, build_engine
from export.engines.options import EngineOptions

CUDA = "CUDAExecutionProvider"


@dataclass(frozen=True)
class Systems:
    """What is measured.

    Args:
        run: By name.
        engines: Record of each engine, by the name of its graph.
        absent: What could not be had, and why.
    """

    run: Mapping[str, System]
    engines: Mapping[str, EngineRecord]
    absent: tuple[str, ...]


def systems_of(tower: BenchTower, work: Path) -> Systems:
    """Engines of every graph, PyTorch in FP32 and FP16, and ONNX Runtime.

    Raises:
        EngineFailed: An engine cannot be built.
    """
    run: dict[str, System] = {}
    engines, absent = {}, []
    for name, graph in tower.graphs.items():
        precision = name.partition("-")[0]
        options = EngineOptions(tower.profiles, precision=precision, timing_cache=work / "timing.cache")
        engines[name] = build_engine(graph, work / tower.model / name, options)
        run[f"tensorrt {name}"] = EngineTower(engines[name].plan).encode
    if tower.module is None:
        absent.append("PyTorch: the tower's source is an ONNX file")
    else:
        run["torch fp32"] = _torch(tower.module, half=False)
        run["torch fp16"] = _torch(tower.module, half=True)
    session = _session(tower.graphs[SOURCE])
    if session is None:
        absent.append(f"ONNX Runtime CUDA: {CUDA} is not in this onnxruntime (`pip install onnxruntime-gpu`)")
    else:
        run["onnxruntime fp32"] = session
    if not any(name.startswith("int8-") for name in tower.graphs):
        absent.append("INT8: there is no graph with static Q/DQ; see --graphs")
    return Systems(run, engines, tuple(absent))


def _torch(module: Any, *, half: bool) -> System:
    """PyTorch as it is commonly served: eager, FP16 by autocast, which keeps norms and sums in FP32."""
    import torch

    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    module = module.to("cuda").eval()

    def run(feed: Feed) -> NDArray[np.float32]:
        with torch.inference_mode(), torch.autocast("cuda", dtype=torch.float16, enabled=half):
            answer = module(*(torch.tensor(array, device="cuda") for array in feed.values()))
            vectors: NDArray[np.float32] = answer.float().cpu().numpy()
        return vectors

    return run


def _session(graph: Path) -> System | None:
    import onnxruntime as ort

    if CUDA not in ort.get_available_providers():
        return None
    session = ort.InferenceSession(str(graph), providers=[(CUDA, {"use_tf32": "0"})])
    if CUDA not in session.get_providers():  # it falls back to the CPU where CUDA cannot be loaded
        return None

    def run(feed: Feed) -> NDArray[np.float32]:
        vectors: NDArray[np.float32] = session.run(None, dict(feed))[0]
        return vectors

    return run
