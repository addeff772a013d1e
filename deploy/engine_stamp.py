"""Whether a release can be served here: what its towers run on, and for engines, what they were built with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import StaleEngine, UnusableRelease, WrongServer
from deploy.store import MEND, Release
from ensemble.engine_stamp import EngineStamp, read_stamps
from ensemble.errors import DamagedRelease
from ensemble.gpu import gpu_here, tensorrt_here
from ensemble.release import Manifest, manifest_path

CPU, TENSORRT = "cpu", "tensorrt"
_REBUILD = (
    "Rebuild them on this kind of GPU with this TensorRT: "
    "`python -m export release --catalogue FILE --store {store} --target tensorrt`"
)


@dataclass(frozen=True)
class Accelerator:
    """What runs engines on a machine.

    Args:
        tensorrt: Version of TensorRT.
        compute_capability: ``MAJOR.MINOR`` of the GPU.
        gpu: Its name.
    """

    tensorrt: str
    compute_capability: str
    gpu: str


def accelerator_here() -> Accelerator | None:
    """That of this machine; ``None`` where TensorRT or the GPU is missing."""
    gpu, tensorrt = gpu_here(), tensorrt_here()
    return None if gpu is None or tensorrt is None else Accelerator(tensorrt, gpu.compute_capability, gpu.name)


def check_target(release: Release) -> None:
    """See that the embedded server can serve a release.

    Raises:
        WrongServer: Its towers run on a backend that the embedded server does not have.
        UnusableRelease: The manifest cannot be read.
    """
    target = _target(release)
    if target == CPU:
        return
    store = release.models.parent
    raise WrongServer(
        f"release {release.number} is made for the target `{target}`; the embedded server serves `{CPU}` alone. "
        f"Serve it with `tritonserver --model-repository={release.models} $(cat {release.folder}/tritonserver.flags)` "
        f"in NVIDIA's Triton image "
        f"(nvcr.io/nvidia/tritonserver), {_needs(target)}or make one for this server: "
        f"`python -m export release --catalogue FILE --store {store} --target {CPU}`"
    )


def check_engines(release: Release, probe: Callable[[], Accelerator | None] = accelerator_here) -> int:
    """See that each tower of a ``tensorrt`` release has an engine that runs here; gives how many engines do.

    Args:
        release: What is to be served; a release without engines passes.
        probe: Tells what runs engines here.

    Raises:
        StaleEngine: There is no TensorRT or no GPU here, or none of a tower's engines fits them; says what each was
            built with, what is here, and how to rebuild.
        UnusableRelease: The manifest or a stamp cannot be read, or the release has no engine at all.
    """
    if _target(release) != TENSORRT:
        return 0
    rebuild, here, towers = _REBUILD.format(store=release.models.parent), probe(), _stamped(release)
    if not towers:
        raise UnusableRelease(f"release {release.number} is made for TensorRT, but holds no engine. {MEND}")
    if here is None:
        raise StaleEngine(f"release {release.number} needs TensorRT and an NVIDIA GPU; this machine has not got both")
    fitting = 0
    for folder, stamps in towers.items():
        told = {one.plan: one.mismatches(here.tensorrt, here.compute_capability) for one in stamps}
        if all(told.values()):
            lines = "\n".join(f"  {folder / plan}: {'; '.join(reasons)}" for plan, reasons in told.items())
            found = f"TensorRT {here.tensorrt} on {here.gpu}, compute capability {here.compute_capability}"
            what = f"no engine of `{folder.parent.name}` in release {release.number} runs with {found}"
            raise StaleEngine(f"{what}:\n{lines}\n{rebuild}")
        fitting += sum(not reasons for reasons in told.values())
    return fitting


def _target(release: Release) -> str:
    try:
        return Manifest.load(manifest_path(release.models.parent, release.number)).target
    except DamagedRelease as error:
        raise UnusableRelease(f"{error}. {MEND}") from error


def _stamped(release: Release) -> dict[Path, list[EngineStamp]]:
    """Stamps of each version folder that has engines."""
    folders = sorted(release.models.glob(f"*/{release.number}"))
    try:
        return {folder: stamps for folder in folders if (stamps := read_stamps(folder))}
    except DamagedRelease as error:
        raise UnusableRelease(f"{error}. {MEND}") from error


def _needs(target: str) -> str:
    return "on a machine where `python -m deploy check-engines` passes, " if target == TENSORRT else ""
