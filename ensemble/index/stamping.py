"""Says of a snapshot which state of which catalogue it is, once that is known."""

from __future__ import annotations

from pathlib import Path

from ensemble.index.snapshot import header_of, write_header


def stamp(folder: Path, *, seq: int, catalogue_id: str) -> None:
    """Write both into a snapshot that nobody uses yet.

    Args:
        folder: Where it was saved.
        seq: The journal's last entry that is in it.
        catalogue_id: The catalogue that its products are of.

    Raises:
        DamagedRelease: Its header cannot be read.
    """
    write_header(folder, header_of(folder) | {"seq": seq, "catalogue_id": catalogue_id})
