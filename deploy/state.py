"""Where a running server is to be found: ``STORE/run/serve.json``, there as long as it runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deploy.events import Kind
    from deploy.server import Server

FILE = "serve.json"
# After which the file says something else.
SWITCHES: frozenset[Kind] = frozenset({"switched", "fell_back"})


class State:
    """Tells other programs where the server over a store is.

    Args:
        store: The store.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / "run" / FILE

    def write(self, server: Server) -> None:
        """Tell of a server that has been started.

        Raises:
            OSError: The file cannot be written.
        """
        state = {
            "pid": os.getpid(),
            "release": server.release,
            "grpc": server.grpc_url,
            "http": server.http_url,
            "metrics": server.metrics_url,
            "supervisor": server.supervisor_url,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_name(f"{FILE}.{os.getpid()}")
        unfinished.write_text(json.dumps(state, indent=2) + "\n")
        unfinished.replace(self._path)

    def remove(self) -> None:
        """Remove the file, unless another server over the same store has written its own."""
        try:
            if json.loads(self._path.read_text())["pid"] == os.getpid():
                self._path.unlink()
        except (OSError, ValueError, KeyError):
            return
