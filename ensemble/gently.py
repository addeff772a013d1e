"""Work that callers must not feel: it gets what processor time they leave.

Linux gives every thread a priority of its own, and nobody without rights may raise one that was lowered. So the work is
done by a thread that lowers its own and ends with it, while the thread that asked only waits.

What a model's process loads is such work while a release is loaded beside the live one, and none where callers wait for
it: at a start, a repair, an urgent rollback. The server tells by a file, which ``TANDEM_BESIDE`` names.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from ensemble.variables import BESIDE

Result = TypeVar("Result")

_LEAST = 19


def gently(work: Callable[[], Result]) -> Result:
    """Do something at the least priority, and wait for it.

    Threads that the work starts keep that priority for good: start those that serve callers elsewhere.

    Args:
        work: What is to be done; holds nothing that a thread of more priority waits for.

    Returns:
        What it returned.

    Raises:
        BaseException: What it raised.
    """
    done: Future[Result] = Future()
    thread = threading.Thread(target=_do, args=(work, done), name="gently")
    thread.start()
    thread.join()
    return done.result()


def beside_callers(work: Callable[[], Result], environment: Mapping[str, str] = os.environ) -> Result:
    """Do something gently where the server says that callers are not to feel it, else at once.

    Args:
        work: As of ``gently``.
        environment: Names the file.

    Raises:
        BaseException: What it raised.
    """
    named = environment.get(BESIDE)
    return gently(work) if named and Path(named).exists() else work()


def import_gently(*modules: str) -> None:
    """Import modules beside callers, so that the imports that follow cost nothing.

    Args:
        modules: Full names.

    Raises:
        ImportError: There is none of that name.
    """
    beside_callers(lambda: [importlib.import_module(name) for name in modules])


def leave_gently() -> None:
    """End this process, once its interpreter does, at the least priority and at once.

    To take Python's modules apart is work for nothing: 0.2 s of a core where it knows a database. A release of twelve
    such processes that is let go of would keep a small server from its callers for seconds.
    """
    atexit.register(_end)
    lower()


def lower() -> None:
    """Lower the priority of this thread to the least, until it ends; where that is forbidden, it stays as it is."""
    with contextlib.suppress(OSError):
        # In Linux 0 is the thread that asks, not its process.
        os.setpriority(os.PRIO_PROCESS, 0, _LEAST)


def _end() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


def _do(work: Callable[[], Result], done: Future[Result]) -> None:
    try:
        lower()
        done.set_result(work())
    except BaseException as error:  # it belongs to who waits
        done.set_exception(error)
