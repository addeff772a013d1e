"""Whether a release is whole and can be served here, found out beside callers who are not to feel it."""

from __future__ import annotations

from pathlib import Path

from deploy.engine_stamp import check_target
from deploy.live import Live
from deploy.serving import Served
from deploy.store import Release, check_release, find_release
from ensemble.gently import gently


def read_checked(store: Path, number: int, live: Live) -> Served:
    """A release that is to be live next, every file of it compared with what was made.

    Args:
        store: The store.
        number: Its number.
        live: What is live now.

    Raises:
        NoRelease: There is none, or its probes cannot be read.
        UnusableRelease: It is damaged.
        WrongServer: It is made for another server.
    """
    release = find_release(store, number)
    gently(lambda: _check(release))
    return Served.of(release, live.then(number))


def _check(release: Release) -> None:
    check_release(release)
    check_target(release)
