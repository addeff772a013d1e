"""The processes that host the Python models, one a model instance.

Triton 2.51 never starts a stub again that has died, and goes on to call its model ready; so somebody has to look.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy import procfs

_ARGUMENTS = 10
_SCRIPT, _INSTANCE = 1, 8
_FULL_LOOK_EVERY = 8
_RETIRE_S = 10.0

Key = tuple[str, int, str]


@dataclass(frozen=True)
class Stub:
    """One stub process.

    Args:
        pid: Process id.
        script: The model's ``model.py``.
        instance: Triton's name of the instance, such as ``text_tower_0_1``.
    """

    pid: int
    script: Path
    instance: str

    @property
    def model(self) -> str:
        """Name of its model."""
        return self.script.parent.parent.name

    @property
    def version(self) -> int:
        """Version of its model."""
        return int(self.script.parent.name)

    @property
    def key(self) -> Key:
        """What stays the same when the stub is replaced by another: (model, version, instance)."""
        return self.model, self.version, self.instance


def stubs_of(server_pid: int) -> list[Stub]:
    """All living stubs of a server, stopped ones included."""
    return _stubs(procfs.children(server_pid), {})


def parse(pid: int, arguments: list[str]) -> Stub | None:
    """Read a stub's command line; None when the process is something else."""
    if len(arguments) != _ARGUMENTS or not arguments[_SCRIPT].endswith(".py"):
        return None
    script = Path(arguments[_SCRIPT])
    return Stub(pid, script, arguments[_INSTANCE]) if script.parent.name.isdigit() else None


class StubTable:
    """The stubs that a server should have, learned by looking.

    Args:
        server_pid: The server's process id.
        ready_versions: Asks the server which (model, version) it calls ready: only these should have stubs.
    """

    def __init__(self, server_pid: int, ready_versions: Callable[[], set[tuple[str, int]]]) -> None:
        self._server_pid = server_pid
        self._children = procfs.Children(server_pid)
        self._ready_versions = ready_versions
        self._known: dict[Key, Stub] = {}
        self._suspects: dict[Key, str] = {}
        self._retired: dict[int, float] = {}
        self._looks = 0

    def look(self) -> dict[Key, str]:
        """Instances at fault, and whether their stub ``died`` or ``stopped``.

        A fault counts when it was also there at the look before: models are unloaded and replaced on purpose, too.
        """
        self._looks += 1
        full = self._looks % _FULL_LOOK_EVERY == 1
        states = {} if full else self._states()
        if full or "died" in states.values():
            self._refresh()
            states = self._states()
        before, self._suspects = self._suspects, {key: state for key, state in states.items() if state}
        return {key: state for key, state in self._suspects.items() if key in before}

    def of_model(self, model: str, version: int) -> list[Stub]:
        """The known stubs of a version of a model, dead ones included."""
        return [stub for stub in self._known.values() if (stub.model, stub.version) == (model, version)]

    def forget(self, key: Key) -> None:
        """Know nothing of a stub any more that is not to be mended."""
        self._known.pop(key, None)
        self._suspects.pop(key, None)

    def stopped(self, stub: Stub) -> bool:
        """Whether a signal has stopped the process: it holds requests that would never end."""
        return procfs.is_stopped(stub.pid)

    def models(self) -> set[str]:
        """Models that have stubs."""
        return {key[0] for key in self._known}

    def replace(self, model: str, version: int) -> None:
        """Learn the stubs of a model anew, as it has just been loaded again; its old ones get some time to finish."""
        old = {stub.pid for stub in self.of_model(model, version)}
        deadline = time.monotonic() + _RETIRE_S
        self._retired |= dict.fromkeys(old, deadline)
        self._known = {key: stub for key, stub in self._known.items() if key[:2] != (model, version)}
        self._suspects = {}
        self._refresh()

    def _refresh(self) -> None:
        """Learn of new stubs, let go of those whose model is no longer ready, end those whose time is over."""
        living = _stubs(self._children.look(), {stub.pid: stub for stub in self._known.values()})
        self._end_retired(living)
        self._known |= {stub.key: stub for stub in living if stub.pid not in self._retired}
        if not {stub.pid for stub in self._known.values()} <= {stub.pid for stub in living}:
            ready = self._ready_versions()
            self._known = {key: stub for key, stub in self._known.items() if key[:2] in ready}

    def _end_retired(self, living: list[Stub]) -> None:
        # Triton keeps a replaced model, and with it the stubs that still live, when a request had met its dead stub.
        now = time.monotonic()
        self._retired = {stub.pid: self._retired[stub.pid] for stub in living if stub.pid in self._retired}
        for pid, deadline in self._retired.items():
            if now > deadline:
                kill(pid)

    def _states(self) -> dict[Key, str]:
        return {key: self._state(stub.pid) for key, stub in self._known.items()}

    def _state(self, pid: int) -> str:
        process = procfs.read(pid)
        if process is None or process.ended or process.parent != self._server_pid:
            return "died"
        return "stopped" if process.state == "T" else ""


def _stubs(children: Iterable[procfs.Process], known: Mapping[int, Stub]) -> list[Stub]:
    """Those of a server's children that are living stubs; the command lines of known ones are not read again."""
    living = (child.pid for child in children if not child.ended)
    found = (known.get(pid) or parse(pid, procfs.command_line(pid)) for pid in living)
    return [stub for stub in found if stub is not None]


def kill(pid: int) -> None:
    """Kill a process that may already have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
