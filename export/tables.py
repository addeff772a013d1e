"""What the tables of ``towers.toml`` have in common: no unknown keys, no NaN, paths relative to the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo


class Table(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def existing(path: Path, info: ValidationInfo) -> Path:
    """Resolve a path against the folder of the file that is read; refuse one where nothing is."""
    folder: Path = (info.context or {}).get("folder", Path())
    resolved = folder / path.expanduser()
    if not resolved.exists():
        raise ValueError(f"a path that exists; there is nothing at {resolved}")
    return resolved


# Of a file or a folder, relative to the towers file.
ExistingPath = Annotated[Path, AfterValidator(existing)]
