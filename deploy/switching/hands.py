"""How a server is got hold of, whatever process it has."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from deploy.launch import Running


@dataclass(frozen=True)
class Hands:
    """How the switchboard gets hold of the server.

    Args:
        running: The server as it is now; another one after a restart.
        alone: The same, with nothing repaired and no answer judged meanwhile.
        stopping: Set when the server is to end.
    """

    running: Callable[[], Running]
    alone: Callable[[], AbstractContextManager[Running]]
    stopping: threading.Event
