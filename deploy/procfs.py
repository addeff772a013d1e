"""A few facts about processes, read from ``/proc``; standard library alone, as the guard imports it too."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_REGION = re.compile(r"/(triton_python_backend_shm_region_[0-9a-f-]+)")
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Process:
    """One line of the process table.

    Args:
        pid: Process id.
        parent: Its parent's id.
        state: ``R``, ``S``, ``D`` run or wait; ``T`` was stopped by a signal; ``Z`` and ``X`` have ended.
    """

    pid: int
    parent: int
    state: str

    @property
    def ended(self) -> bool:
        """Whether nothing of the process runs any more."""
        return self.state in "ZX"


def read(pid: int) -> Process | None:
    """The process with this id, or None when there is none."""
    try:
        line = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    state, parent = line[line.rindex(")") + 2 :].split(maxsplit=2)[:2]
    return Process(pid, int(parent), state)


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped the process, so that it does nothing until it is told to go on."""
    process = read(pid)
    return process is not None and process.state == "T"


def children(pid: int) -> list[Process]:
    """All processes whose parent is ``pid``, ended ones that nobody waited for included."""
    found = (read(int(entry)) for entry in os.listdir(_PROC) if entry.isdigit())  # noqa: PTH208 -- names, not paths, twice as fast
    return [process for process in found if process is not None and process.parent == pid]


def command_line(pid: int) -> list[str]:
    """Arguments that the process was started with; empty when it has ended."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def shm_regions(pid: int) -> set[str]:
    """Names in ``/dev/shm`` of the Python backend's regions that this process has mapped or was started with."""
    with contextlib.suppress(OSError):
        return set(_REGION.findall((_PROC / str(pid) / "maps").read_text()))
    return set()


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel to send this signal to the calling process when the parent's calling thread ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans() -> None:
    """Make the calling process the parent of descendants whose own parent ends."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
