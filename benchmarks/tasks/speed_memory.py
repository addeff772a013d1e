"""What the process of a model takes in memory."""

from __future__ import annotations

from pathlib import Path

from deploy import procfs
from deploy.stubs import parse

# Fields of /proc/PID/status, in kB, by the names that figures have.
FIELDS = {"memory_mb": "VmRSS", "mapped_mb": "RssFile", "peak_mb": "VmHWM"}


def resident(server_pid: int, model: str) -> dict[str, float]:
    """Megabytes of a model's processes: all that is resident, the part that is mapped files, and the most there was.

    Args:
        server_pid: Process id of ``tritonserver``.
        model: Name of the model.
    """
    stubs = (parse(child.pid, procfs.command_line(child.pid)) for child in procfs.children(server_pid))
    found = [_fields(stub.pid) for stub in stubs if stub is not None and stub.model == model]
    return {name: round(sum(one[field] for one in found) * 1024 / 1e6, 1) for name, field in FIELDS.items()}


def _fields(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    split = (line.split() for line in lines)
    return {parts[0].rstrip(":"): int(parts[1]) for parts in split if len(parts) == 3 and parts[2] == "kB"}
