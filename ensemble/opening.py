"""Opens a tower as it serves: its engine where there is one for this machine's GPU, its graph otherwise."""

from __future__ import annotations

from pathlib import Path

from ensemble.engine_stamp import compute_capabilities
from ensemble.engine_tower import EngineTower
from ensemble.gpu import gpu_here
from ensemble.towers import Tower

AnyTower = Tower | EngineTower


def open_tower(folder: Path, *, threads: int = 1) -> AnyTower:
    """The tower in one version folder of a Triton repository.

    Args:
        folder: Has ``model.onnx``, and engines with their stamps where the target has them.
        threads: Of a run on the CPU.

    Raises:
        DamagedRelease: A file is missing or cannot be used.
        EngineFault: There is an engine and a GPU, but no TensorRT.
    """
    plans = compute_capabilities(folder)
    gpu = gpu_here() if plans else None
    if gpu is not None and gpu.compute_capability in plans:
        return EngineTower(folder / plans[gpu.compute_capability])
    return Tower(folder / "model.onnx", threads=threads)
