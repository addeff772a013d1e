"""Which release of a store is live: ``STORE/live.json``.

The file appears with the first switch. Without it the newest release is served, as it is in a store that knows one
release after the other and restarts.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from deploy.errors import NoRelease

FILE = "live.json"


@dataclass(frozen=True)
class Live:
    """The releases that answer, and that would.

    Args:
        release: The one that is live.
        previous: The one that was before it; None where there was none.
        since: When it became so, ISO 8601, UTC.
    """

    release: int
    previous: int | None = None
    since: str = ""

    def then(self, release: int) -> Live:
        """What is live from now on."""
        return Live(release, self.release, now())


def now() -> str:
    """This moment, ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def read_live(store: Path) -> Live | None:
    """What was switched to last; None where nothing ever was.

    Raises:
        NoRelease: The file is there, but cannot be read.
    """
    path = store / FILE
    try:
        content = json.loads(path.read_text("utf-8"))
        previous = content["previous"]
        return Live(int(content["release"]), None if previous is None else int(previous), str(content["since"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoRelease(
            f"{path} cannot be read: {error!r}; name the release anew: `python -m deploy activate N --store {store}`"
        ) from error


def write_live(store: Path, live: Live) -> None:
    """Write it, durably: after a crash the old or the new one is there.

    Raises:
        OSError: It cannot be written; the old one is still there.
    """
    path = store / FILE
    unfinished = path.with_name(f".{FILE}.{os.getpid()}")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(live), indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    _to_disk(store)


def forget_live(store: Path) -> None:
    """Have the newest release be live again.

    Raises:
        OSError: The file cannot be removed.
    """
    (store / FILE).unlink(missing_ok=True)
    _to_disk(store)


def _to_disk(folder: Path) -> None:
    """Have the names in a folder outlive a loss of power; that they do is no matter of a switch that has been made."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        logging.getLogger(__name__).warning("%s: %s", folder, error)
