"""Work that callers must not feel: it gets what processor time they leave.

Linux gives every thread a priority of its own, and nobody without rights may raise one that was lowered. So the work is
done by a thread that lowers its own and ends with it, while the thread that asked only waits.
"""

from __future__ import annotations

import atexit
import importlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

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


def import_gently(*modules: str) -> None:
    """Import modules at the least priority, so that the imports that follow cost nothing.

    Args:
        modules: Full names.

    Raises:
        ImportError: There is none of that name.
    """
    gently(lambda: [importlib.import_module(name) for name in modules])


def leave_gently() -> None:
    """End this process, once its interpreter does, at the least priority and at once.

    To take Python's modules apart is work for nothing: 0.2 s of a core where it knows a database. A release of twelve
    such processes that is let go of would keep a small server from its callers for seconds.
    """
    lower()
    atexit.register(_end)


def lower() -> None:
    """Lower the priority of this thread to the least, until it ends."""
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
