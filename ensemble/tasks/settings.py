"""The settings that travel with a recommender: the rows that its tower reads, and the vectors that it searches."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ensemble.errors import DamagedRelease
from ensemble.settings import SpaceSettings, read

SETTINGS = "settings.json"


@dataclass(frozen=True)
class RecommendSettings:
    """What the vectors of a recommender's index are.

    Args:
        space_id: SHA-256 of the product tower and of the space of the rows that it reads, in hex.
        dim: Length of a vector.
    """

    space_id: str
    dim: int

    def __post_init__(self) -> None:
        if not self.space_id:
            raise ValueError("`space_id` must not be empty")
        if not 1 <= self.dim <= 4_096:
            raise ValueError(f"`dim` must be 1 to 4,096, got {self.dim}")

    @property
    def space(self) -> SpaceSettings:
        """The same as the index's builder takes it: the vector is a text half without an image half."""
        return SpaceSettings(self.space_id, self.dim, 0)


def write_settings(folder: Path, space: SpaceSettings, recommend: RecommendSettings) -> None:
    """Write ``settings.json`` of a recommender's folder.

    Args:
        folder: Where to.
        space: Of the rows that the product tower reads.
        recommend: Of the vectors that are searched.
    """
    sections = {"space": asdict(space), "recommend": asdict(recommend)}
    (folder / SETTINGS).write_text(json.dumps(sections, indent=2) + "\n")


def read_settings(folder: Path) -> tuple[SpaceSettings, RecommendSettings]:
    """Read what ``write_settings`` wrote.

    Raises:
        DamagedRelease: The file or a section is missing, or a value is not allowed; names the file.
    """
    path = folder / SETTINGS
    space = read(path, "space", SpaceSettings)
    try:
        return space, RecommendSettings(**json.loads(path.read_text())["recommend"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedRelease(f"{path}: section 'recommend' cannot be read: {error!r}") from error
