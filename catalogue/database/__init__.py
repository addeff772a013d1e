"""The product database: products, their vectors by space, and the journal that every index follows."""

from catalogue.database.checking import check_id, parse_product
from catalogue.database.database import Database
from catalogue.database.journal import Journal
from catalogue.database.kinds import Kind
from catalogue.database.loading import Loaded, refused_rows
from catalogue.database.patches import parse_patch
from catalogue.database.patience import Patience
from catalogue.database.reading import Reading
from catalogue.database.replacing import Replaced
from catalogue.database.values import (
    Change,
    Changes,
    Deleted,
    Embedded,
    Entry,
    Everything,
    JournalEntry,
    Patch,
    Space,
    Stored,
    Vector,
)

__all__ = [
    "Change",
    "Changes",
    "Database",
    "Deleted",
    "Embedded",
    "Entry",
    "Everything",
    "Journal",
    "JournalEntry",
    "Kind",
    "Loaded",
    "Patch",
    "Patience",
    "Reading",
    "Replaced",
    "Space",
    "Stored",
    "Vector",
    "check_id",
    "parse_patch",
    "parse_product",
    "refused_rows",
]
