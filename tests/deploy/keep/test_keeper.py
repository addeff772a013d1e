"""The keeper's threads: whatever a step raises, the next one is taken."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from catalogue.database import Database
from clients.errors import Unavailable
from deploy.errors import KeeperBroken
from deploy.keep import keeper as keeping
from deploy.keep.indexes import OpenIndex, recommended_index, searched_index
from deploy.keep.keeper import Keeper
from deploy.keep.options import KeepOptions
from deploy.living import Living
from ensemble.errors import SnapshotFailed

PATIENCE_S = 20.0


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("a library's own"), "a library's own"),
        (MemoryError(), "MemoryError()"),
        (SnapshotFailed("the disk is full"), "the disk is full"),
    ],
)
def test_a_snapshot_that_fails_for_any_reason_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    steps: list[int] = []
    third = threading.Event()

    class Failing:
        def __init__(self, *_: Any, open_index: OpenIndex) -> None:
            self._open_index = open_index

        def step(self) -> bool:
            if self._open_index is not searched_index:
                return False
            steps.append(len(steps))
            if len(steps) < 3:
                raise error
            third.set()
            return False

        def close(self) -> None:
            pass

    monkeypatch.setattr(keeping, "Snapshotting", Failing)
    living = Living(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", tmp_path / "snapshots")
    keeper = Keeper(tmp_path, living, None, KeepOptions(poll_s=0.01))
    thread = threading.Thread(target=keeper.run)
    thread.start()
    done = third.wait(PATIENCE_S)
    keeper.stop()
    thread.join()
    assert done
    lines = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    assert [line for line in lines if "snapshot_failed" in line and told in line] == lines
    assert len(lines) == 1, "the same trouble is told once"


def test_where_a_milvus_is_searched_only_the_recommender_has_snapshots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded: list[int] = []
    opened, is_open = set[object](), threading.Event()

    class Embedding:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def step(self) -> bool:
            is_open.wait(PATIENCE_S)
            embedded.append(len(embedded))
            keeper.stop()
            return False

    class Snapshotting:
        def __init__(self, *_: Any, open_index: object) -> None:
            opened.add(open_index)
            is_open.set()

        def step(self) -> bool:
            return False

        def close(self) -> None:
            pass

    monkeypatch.setattr(keeping, "Embedding", Embedding)
    monkeypatch.setattr(keeping, "Snapshotting", Snapshotting)
    living = Living(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", tmp_path / "snapshots")
    Database.open(living.catalogue, create=True).close()
    keeper = Keeper(tmp_path, living, "grpc://127.0.0.1:9", KeepOptions(poll_s=0.01, snapshots=False))
    keeper.run()
    keeper.once()
    assert embedded == [0, 1]
    assert opened == {recommended_index}, "the recommender searches main memory, whatever the index is"


def test_trimming_needs_snapshots() -> None:
    assert KeepOptions(snapshots=False).arguments()[-1] == "--no-snapshots"
    with pytest.raises(ValueError, match="`trim` needs snapshots"):
        KeepOptions(trim=True, snapshots=False)


def test_a_thread_that_ends_unasked_ends_the_whole_keeper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ending:
        def __init__(self, *_: Any, **__: Any) -> None:
            raise SystemExit("a library's own")

    monkeypatch.setattr(keeping, "Snapshotting", Ending)
    living = Living(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", tmp_path / "snapshots")
    with pytest.raises(KeeperBroken, match="a thread of the keeper ended: SystemExit: a library's own"):
        Keeper(tmp_path, living, None, KeepOptions(poll_s=0.01)).run()


def test_what_was_told_outlives_a_lost_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    third = threading.Event()

    def opened(*_: Any, progress: object, **__: Any) -> None:
        seen.append(progress)
        if len(seen) == 3:
            third.set()
        raise Unavailable("Socket closed")

    monkeypatch.setattr(keeping, "Embedding", opened)
    living = Living(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", tmp_path / "snapshots")
    Database.open(living.catalogue, create=True).close()
    keeper = Keeper(tmp_path, living, "grpc://127.0.0.1:9", KeepOptions(poll_s=0.01))
    thread = threading.Thread(target=keeper.run)
    thread.start()
    done = third.wait(PATIENCE_S)
    keeper.stop()
    thread.join()
    assert done
    assert seen[0] is seen[1] is seen[2]
