"""All systems by name, in the order in which they are opened: ours first, the slowest to build last."""

from __future__ import annotations

from benchmarks.gpu.systems.base import System
from benchmarks.gpu.systems.cuvs_systems import CuvsBruteForce, CuvsCagra
from benchmarks.gpu.systems.faiss_system import FaissFlat
from benchmarks.gpu.systems.tandem import Tandem, TandemInt8
from benchmarks.gpu.systems.torch_systems import TorchCompiled, TorchFloat, TorchHalf

SYSTEMS: dict[str, type[System]] = {
    each.name: each
    for each in (Tandem, TandemInt8, TorchHalf, TorchFloat, TorchCompiled, FaissFlat, CuvsBruteForce, CuvsCagra)
}
OURS = (Tandem.name, TandemInt8.name)
