"""A few facts about processes, read from ``/proc``; standard library alone, as the guard imports it too."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

SHM = Path("/dev/shm")  # noqa: S108 -- where Triton's Python backend makes its regions
_PROC = Path("/proc")
_STAT_BYTES = 4096
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_REGION_PREFIX = "triton_python_backend_shm_region_"
_REGION = re.compile(rf"/({_REGION_PREFIX}[0-9a-f-]+)")
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
    # Looks are many, so that this is no path and no file object. It is the line of the first thread, which tells the
    # same: for that of the process the kernel sums up all threads, and a server has a thousand.
    try:
        descriptor = os.open(f"{_PROC}/{pid}/task/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        line = os.read(descriptor, _STAT_BYTES)
    except OSError:  # it has ended since
        return None
    finally:
        os.close(descriptor)
    state, parent = line[line.rindex(b")") + 2 :].split(maxsplit=2)[:2]
    return Process(pid, int(parent), state.decode())


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped the process, so that it does nothing until it is told to go on."""
    process = read(pid)
    return process is not None and process.state == "T"


def children(pid: int) -> list[Process]:
    """All processes whose parent is ``pid``, ended ones that nobody waited for included."""
    return Children(pid).look()


class Children:
    """The children of one process, for who looks again and again: of the others each is read once.

    A process that was another's does not become a child later, except where the parent adopts orphans.

    Args:
        parent: Its process id.
    """

    def __init__(self, parent: int) -> None:
        self._parent = parent
        self._others: set[int] = set()

    def look(self) -> list[Process]:
        """Its children, ended ones that nobody waited for included."""
        there = {int(entry) for entry in os.listdir(_PROC) if entry.isdigit()}  # noqa: PTH208 -- names, not paths, twice as fast
        self._others &= there  # a number that has become free may be given to a child
        found = [process for pid in sorted(there - self._others) if (process := read(pid)) is not None]
        self._others |= {process.pid for process in found if process.parent != self._parent}
        return [process for process in found if process.parent == self._parent]


def command_line(pid: int) -> list[str]:
    """Arguments that the process was started with; empty when it has ended."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def all_shm_regions() -> set[str]:
    """Names in ``/dev/shm`` of all regions of Python backends on this machine."""
    with contextlib.suppress(OSError):
        return {name for name in os.listdir(SHM) if name.startswith(_REGION_PREFIX)}  # noqa: PTH208 -- so here
    return set()


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
