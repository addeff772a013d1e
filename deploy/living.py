"""The catalogue that a server's index follows, and where snapshots of that index lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.errors import CannotStart

OWN = "catalogue.sqlite"


@dataclass(frozen=True)
class Living:
    """What makes an index a living one.

    Args:
        catalogue: URL of the catalogue's database; it may hold a password.
        snapshots: Folder of the index's snapshots, ``NNNN/SEQ`` by release.
    """

    catalogue: str
    snapshots: Path


def find_living(store: Path, catalogue: str | None) -> Living | None:
    """The catalogue that was asked for, else the store's own where it has one.

    Args:
        store: The store.
        catalogue: URL of a database; empty for an index that stays as it was released.

    Raises:
        CannotStart: The URL names a SQLite file that is not there.
    """
    store = store.resolve()
    if catalogue is None:
        own = store / OWN
        catalogue = f"sqlite:///{own}" if own.is_file() else ""
    if not catalogue:
        return None
    path = catalogue.removeprefix("sqlite:///")
    if path != catalogue:
        if not Path(path).is_file():
            raise CannotStart(
                f"--catalogue {catalogue}: no such file; make a release, which makes the store's own, or a database "
                "with `python -m catalogue init`"
            )
        catalogue = f"sqlite:///{Path(path).resolve()}"
    return Living(catalogue, store / "snapshots")
