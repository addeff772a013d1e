"""What there is to know about a catalogue at a glance."""

from __future__ import annotations

from typing import Any

from catalogue.database.database import Database


def status_of(database: Database) -> dict[str, Any]:
    """Plain facts, of one state."""
    with database.reading() as reading:
        entries, trimmed = reading.journal_size()
        return {
            "catalogue": database.url_shown,
            "catalogue_id": database.catalogue_id,
            "seq": reading.seq,
            "products": reading.count(),
            "columns": dict(reading.kinds),
            "spaces": {
                space_id: {
                    "text_dim": space.text_dim,
                    "image_dim": space.image_dim,
                    "unembedded": reading.count_unembedded(space_id),
                }
                for space_id, space in reading.spaces.items()
            },
            "journal": {"entries": entries, "trimmed": trimmed},
            "pictures": reading.pictures_location(),
        }
