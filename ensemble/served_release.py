"""A release in the process of a model that answers from one of its indexes. Both such models begin with this."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.index import IndexSource
from ensemble.variables import CATALOGUE, ENGINE, SNAPSHOTS

SWITCH_S = 0.0005


@dataclass(frozen=True)
class ServedRelease:
    """What a model is told of its release.

    Args:
        number: Of the release.
        folder: The model's own of this release.
        catalogue: URL of the database that the index follows; "" where it stays as it was released.
        snapshots: Where newer snapshots of the release's indexes are.
        in_milvus: Whether the rows of products are searched in a Milvus.
    """

    number: int
    folder: Path
    catalogue: str
    snapshots: Path
    in_milvus: bool

    @classmethod
    def of(cls, args: Mapping[str, str], environment: Mapping[str, str]) -> ServedRelease:
        """By what Triton hands to ``initialize``, and by the environment of the server."""
        number = int(args["model_version"])
        folder = Path(args["model_repository"]) / args["model_version"]
        # Without a folder for them, the release's own snapshot is the only one.
        snapshots = Path(environment.get(SNAPSHOTS, folder / "snapshots")) / f"{number:04d}"
        return cls(number, folder, environment.get(CATALOGUE, ""), snapshots, environment.get(ENGINE) == "milvus")

    def log(self, logger: Any, source: IndexSource, told: str) -> None:
        """Log what is wrong with the index, if anything is, and what it is.

        Args:
            logger: That of Triton's module.
            source: Of the index.
            told: Says of the release where it is searched.
        """
        if source.trouble is not None:
            logger.log_warn(f"release {self.number}: {source.trouble}")
        logger.log_info(f"release {self.number} {told}")


def take_turns() -> None:
    """Let requests run soon while a follower does: its Python shares the process.

    By default a request may wait 5 ms for the follower at each of its steps.
    """
    sys.setswitchinterval(SWITCH_S)
