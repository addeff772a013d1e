"""The processes of a server that tests kill and stop."""

from __future__ import annotations

from deploy import procfs
from deploy.stubs import Stub, stubs_of
from tests.living.served import Served


def triton_of(served: Served) -> int:
    """Process id of ``tritonserver``."""
    return next(pid for pid in served.pids if procfs.command_line(pid)[0].endswith("tritonserver"))


def stubs(served: Served, model: str) -> list[Stub]:
    """The model's stubs."""
    return [stub for stub in stubs_of(triton_of(served)) if stub.model == model]
