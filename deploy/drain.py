"""Lets requests in flight finish before the server is told to end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator

from deploy.control import Control
from deploy.errors import RequestFailed

_POLL_S = 0.02
_LATE = "DEADLINE_EXCEEDED"
# So long no model works on one step: 64 of the longest texts take MiniLM 9 s on one core. Triton 2.51 keeps a request
# for ever whose one step fails while another runs, as where a photo is none and its text is being encoded.
_STILL_S = 15.0


def drain_at(control: Control, timeout_s: float) -> float:
    """``drain`` over a connection of its own, as this one may be closed; seconds that are left of the timeout."""
    deadline = time.monotonic() + timeout_s
    own = control.another()
    drain(own, timeout_s)
    own.close()
    return max(0.0, deadline - time.monotonic())


def drain(control: Control, timeout_s: float) -> None:
    """Close the ensembles to new requests, and wait until those that are under way have their answers.

    Triton's own end is not enough: on SIGTERM every model stops taking requests at once, so a request that is between
    two steps of its ensemble is refused by the next one. An unloaded ensemble keeps its steps to its last request.
    Where no model has finished anything for some time, the rest is left to that end: it lets a model finish what it
    works on, and counts no request that only an unloaded ensemble holds.

    Args:
        control: Connection to the server.
        timeout_s: How long to wait at most.
    """
    deadline = time.monotonic() + timeout_s
    try:
        ensembles = _ensembles(control)
        for ensemble in ensembles:
            with _unless_late():
                control.unload(ensemble, max(_POLL_S, deadline - time.monotonic()))
        _wait(control, ensembles, deadline)
    except RequestFailed:
        return  # a server that does not answer has nothing to finish


def _wait(control: Control, ensembles: Collection[str], deadline: float) -> None:
    seen, since = control.progress(), time.monotonic()
    while (now := time.monotonic()) < deadline and now - since <= _STILL_S and _open(control, ensembles):
        time.sleep(_POLL_S)
        if (told := control.progress()) != seen:
            seen, since = told, now


def _ensembles(control: Control) -> list[str]:
    found = []
    for model in sorted({model for model, _ in control.ready_versions()}):
        with _unless_late():
            if control.steps(model) != [model]:
                found.append(model)
    return found


@contextlib.contextmanager
def _unless_late() -> Iterator[None]:
    """Pass over what the server says of one model, such as one that a switch took away meanwhile."""
    try:
        yield
    except RequestFailed as error:
        if error.status == _LATE:
            raise


def _open(control: Control, ensembles: Collection[str]) -> bool:
    return any(model in ensembles and state != "UNAVAILABLE" for (model, _), state in control.states().items())
