"""What an earlier start of the same container left in ``/dev/shm``: it is memory, and outlives the server."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.container.flags import region_prefix

SHM = Path("/dev/shm")  # noqa: S108 -- where Triton's Python backend makes its regions


def remove_regions(name: str, folder: Path = SHM, processes: Path = Path("/proc")) -> int:
    """Remove the shared memory of this name that no process has mapped; the number of bytes that came free.

    Args:
        name: The container's name.
        folder: Where regions are.
        processes: Where maps of processes are.
    """
    regions = list(folder.glob(f"{region_prefix(name)}*"))
    mapped = _mapped(processes) if regions else set()
    freed = 0
    for region in regions:
        if str(region) not in mapped:
            freed += region.stat().st_blocks * 512
            region.unlink(missing_ok=True)
    return freed


def _mapped(processes: Path) -> set[str]:
    """Files that processes have mapped."""
    files: set[str] = set()
    for entry in os.listdir(processes):  # noqa: PTH208 -- names, not paths, twice as fast
        if entry.isdigit():
            try:
                lines = (processes / entry / "maps").read_text(errors="replace").splitlines()
            except OSError:
                continue
            files.update(line.split(maxsplit=5)[5] for line in lines if line.count("/") > 1)
    return files
