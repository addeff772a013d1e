"""What is to be embedded, with what, and where to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

LOCAL = "local"
SHARD_ROWS = 10_000
BATCH = 64
MAX_BATCH = 1_024


@dataclass(frozen=True)
class BulkOrder:
    """What is to be embedded.

    Args:
        catalogue: Path or URL of a file, or URL of a database; empty for the store's own database.
        store: Where the release is.
        out: Folder of the shards.
        release: Number of the release whose towers embed; None for the newest.
        ray: Address of a Ray cluster, or ``local`` for one of this machine alone, that ends with the run.
        workers: Processes that embed, each with a pair of towers and one core; None for one a core of this machine,
            or of the cluster.
        shard_rows: Rows of the catalogue a shard.
        batch: Products that are embedded together; what is lost when a worker dies.
        columns: A TOML file with ``[columns]``.
        skip_bad_rows: Go on without rows that cannot be embedded.

    Raises:
        ValueError: A value is not allowed.
    """

    catalogue: str
    store: Path
    out: Path
    release: int | None = None
    ray: str = LOCAL
    workers: int | None = None
    shard_rows: int = SHARD_ROWS
    batch: int = BATCH
    columns: Path | None = None
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        if self.release is not None and self.release < 1:
            raise ValueError(f"`release` must be at least 1, got {self.release}")
        if not self.ray.strip():
            raise ValueError(f"`ray` must be the address of a cluster, or {LOCAL}, got {self.ray!r}")
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"`workers` must be at least 1, got {self.workers}")
        if self.shard_rows < 1:
            raise ValueError(f"`shard_rows` must be at least 1, got {self.shard_rows}")
        if not 1 <= self.batch <= MAX_BATCH:
            raise ValueError(f"`batch` must be 1 to {MAX_BATCH}, got {self.batch}")
        if self.out.exists() and not self.out.is_dir():
            raise ValueError(f"`out` must be a folder, got the file {self.out}")

    @property
    def is_local(self) -> bool:
        """Whether Ray is started for this run alone."""
        return self.ray == LOCAL


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
