"""The rows of a catalogue by the frozen towers, as a release makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.hashing import sha256
from ensemble.settings import SpaceSettings
from export.compare.entries import Entry, plan_all, read_all
from export.compare.evaluation import embed_catalogue
from export.compare.workshop import Workshop
from export.identity import versions

ROWS, ROWS_OF = "rows.npy", "rows.json"

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Embedded:
    """The rows of a catalogue.

    Args:
        rows: ``(products, row_dim)`` float32, in the order of the catalogue.
        space: Of the rows.
    """

    rows: Floats
    space: SpaceSettings


def read_entry(towers: Path, catalogue: str, columns: Path | None) -> Entry:
    """Plan the towers and read the catalogue; nothing is encoded.

    Args:
        towers: The towers file.
        catalogue: Path or URL.
        columns: A TOML file with ``[columns]``; None for that of the towers file.

    Raises:
        BadComparison: Towers or catalogue cannot be used; lists every problem.
    """
    return read_all(plan_all([towers]), catalogue, columns)[0]


def embedded(entry: Entry, kept: Path, start: Callable[[int], Callable[[int], None]]) -> Embedded:
    """Encode a catalogue, or take the rows that are kept of the same towers and products.

    Args:
        entry: The towers and the catalogue.
        kept: Folder that rows are kept in.
        start: Told how many products there are to encode; gives what is told how many more are done.

    Raises:
        BadComparison: The halves of a row cannot be weighed as the towers file says.
        ExportError: A tower cannot be built, or does not hold to its source.
    """
    key = json.loads(json.dumps(_key(entry)))
    found = _kept(kept, key)
    if found is None:
        with TemporaryDirectory(prefix="evaluate-") as folder:
            contestant = Workshop(Path(folder)).open(entry)
            space = contestant.space
            found = embed_catalogue(contestant, start(len(entry.ids))), space
        _keep(kept, key, *found)
    return Embedded(*found)


def _key(entry: Entry) -> dict[str, Any]:
    """All that decides about the rows."""
    plans = entry.plans
    return {
        "text": {name: sha256(path) for name, path in plans.text.files.items()},
        "vision": {name: sha256(path) for name, path in plans.vision.files.items()},
        "towers": plans.file.model_dump(mode="json"),
        "settings": [asdict(part) for part in (plans.text.settings, plans.vision.settings, plans.product)],
        "products": [product.as_dict() for product in entry.checked.catalogue.products],
        "versions": versions(),
    }


def _kept(folder: Path, key: dict[str, Any]) -> tuple[Floats, SpaceSettings] | None:
    try:
        content = json.loads((folder / ROWS_OF).read_text("utf-8"))
        rows: Floats = np.load(folder / ROWS, allow_pickle=False)
        return (rows, SpaceSettings(**content["space"])) if content["key"] == key else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(folder: Path, key: dict[str, Any], rows: Floats, space: SpaceSettings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ROWS_OF).unlink(missing_ok=True)
    np.save(folder / ROWS, rows)
    (folder / ROWS_OF).write_text(json.dumps({"key": key, "space": asdict(space)}), "utf-8")
