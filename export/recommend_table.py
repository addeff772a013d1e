"""``[recommend]`` of ``towers.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from export.tables import ExistingPath, Table

MOST_CLUSTERS = 1_000
# What a release takes from the folder of a trained tower; the last three may be absent.
TOWER, WEIGHTS, HEAD = "tower.json", "tower.safetensors", "complement.safetensors"
COMPLEMENTS, POPULARITY = "complements.json", "popularity.json"
TOWER_FILES = (TOWER, WEIGHTS, HEAD, COMPLEMENTS, POPULARITY)


class RecommendTable(Table):
    """``[recommend]``; without it the frozen product tower answers by the default tasks."""

    tower: ExistingPath | None = None
    tasks: ExistingPath | None = None
    complements: ExistingPath | None = None
    popularity: ExistingPath | None = None
    clusters: Annotated[int, Field(ge=0, le=MOST_CLUSTERS)] = 0

    @model_validator(mode="after")
    def _of_their_kind(self) -> RecommendTable:
        if self.tower is not None and not self.tower.is_dir():
            raise ValueError(f"tower = a folder of `python -m training product-tower`; {self.tower} is none")
        for name in ("tasks", "complements", "popularity"):
            path = getattr(self, name)
            if path is not None and not path.is_file():
                raise ValueError(f"{name} = a file; {path} is none")
        return self

    @property
    def files(self) -> Mapping[str, Path]:
        """Every file that it names, for the manifest."""
        own = {name: getattr(self, name) for name in ("tasks", "complements", "popularity")}
        trained = {} if self.tower is None else {name: self.tower / name for name in TOWER_FILES}
        there = {**trained, **own}
        return {name: path for name, path in there.items() if path is not None and path.is_file()}
