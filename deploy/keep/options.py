"""What can be chosen about the keeper, and the defaults."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KeepOptions:
    """How the keeper works.

    Args:
        snapshot_every_s: Least time between two snapshots; an index that changes very much gets them sooner.
        min_changes: Least number of changes that a snapshot is written for.
        trim: Whether journal entries that no kept snapshot needs are forgotten. Not where several stores follow one
            catalogue: a server that was away longest needs them.
        poll_s: Time between two looks at the catalogue.
        batch: Products that are embedded by one request; a search that comes meanwhile may have to wait for it.
        snapshots: Whether snapshots of the index that is searched are written: not where that is a Milvus, which its
            own feeder fills. Those of the recommender's index, which lies in main memory, are written always.
    """

    snapshot_every_s: float = 300.0
    min_changes: int = 1_000
    trim: bool = False
    poll_s: float = 1.0
    batch: int = 8
    snapshots: bool = True

    def __post_init__(self) -> None:
        for name in ("snapshot_every_s", "poll_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` must be above 0, got {getattr(self, name)}")
        for name in ("min_changes", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1, got {getattr(self, name)}")

        if self.trim and not self.snapshots:
            raise ValueError(
                "`trim` needs snapshots: it forgets what the oldest of them holds, and those of the index that is "
                "searched are not written"
            )

    def arguments(self) -> list[str]:
        """The same on the command line of ``python -m deploy keep``."""
        told = ["--snapshot-every", str(self.snapshot_every_s), "--min-changes", str(self.min_changes)]
        told += ["--trim"] if self.trim else []
        return told if self.snapshots else [*told, "--no-snapshots"]
