"""What is to be compared: towers files planned, and the catalogue as each of them reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue import BadColumns, CatalogueError
from export.checking import CheckedCatalogue
from export.errors import BadComparison, BadSource, BadTowers
from export.order import Plans
from export.reading import columns_of, read_checked


@dataclass(frozen=True)
class Entry:
    """One towers file of a comparison.

    Args:
        name: The file's name without its ending.
        plans: Its towers to be.
        checked: The catalogue as it reads it.
    """

    name: str
    plans: Plans
    checked: CheckedCatalogue

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the products, in the catalogue's order."""
        return tuple(product.id for product in self.checked.catalogue.products)


def plan_all(towers: Sequence[Path]) -> dict[Path, Plans]:
    """Plan every towers file.

    Raises:
        BadComparison: Lists the problems of all files.
    """
    problems = list(_repeated_names(towers))
    plans: dict[Path, Plans] = {}
    for path in towers:
        try:
            plans[path] = Plans.of(path)
        except BadTowers as error:
            problems.append(str(error))
        except BadSource as error:
            problems.append(f"{path}: {error}")
    if not towers:
        problems.append("--towers: none are given; give two or more files")
    if problems:
        raise BadComparison(problems)
    return plans


def read_all(plans: dict[Path, Plans], catalogue: str, columns: Path | None) -> list[Entry]:
    """Read the catalogue as every towers file asks for it.

    Raises:
        BadComparison: A towers file cannot use the catalogue, or reads other products than the first.
    """
    problems: list[str] = []
    entries: list[Entry] = []
    for path, plan in plans.items():
        try:
            entries.append(Entry(path.stem, plan, _read(path, plan, catalogue, columns)))
        except (CatalogueError, BadColumns, BadSource) as error:
            problems.append(f"{path}: {error}")
    problems += [
        f"{entry.name}: reads other product ids than {entries[0].name}; give one mapping for all with --columns"
        for entry in entries
        if entry.ids != entries[0].ids
    ]
    if problems:
        raise BadComparison(problems)
    return entries


def _read(path: Path, plans: Plans, catalogue: str, columns: Path | None) -> CheckedCatalogue:
    mapping = columns_of(plans.file, path, columns)
    settings = (plans.text.settings, plans.vision.settings, plans.product)
    return read_checked(catalogue, mapping, settings, skip_bad_rows=False, start=lambda _: lambda _: None)


def _repeated_names(towers: Sequence[Path]) -> Iterator[str]:
    for name, count in Counter(path.stem for path in towers).items():
        if count > 1:
            yield f"--towers: {count} files are called {name!r}, which is what tables call them; rename all but one"
