"""Processor time of a server, process by process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from deploy import procfs
from deploy.stubs import parse

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def processor_s(server_pid: int) -> dict[str, float]:
    """Seconds that ``tritonserver`` and its models' stubs have had so far, by name; ``tritonserver`` is the server.

    Args:
        server_pid: Process id of ``tritonserver``.
    """
    spent = {"tritonserver": _seconds(server_pid)}
    for child in procfs.children(server_pid):
        stub = parse(child.pid, procfs.command_line(child.pid))
        if stub is not None:
            spent[stub.model] = spent.get(stub.model, 0.0) + _seconds(child.pid)
    return spent


def spent_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each process between two readings, the most first; one that began anew counts from nothing."""
    spent = {name: now - was if now >= (was := before.get(name, 0.0)) else now for name, now in after.items()}
    return dict(sorted(spent.items(), key=lambda one: -one[1]))


def _seconds(pid: int) -> float:
    """Time in user mode and in the kernel."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
