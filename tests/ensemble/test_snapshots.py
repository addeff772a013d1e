from __future__ import annotations

import os
import resource
import select
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ensemble.errors import DamagedRelease, SnapshotFailed
from ensemble.index import ExactEngine, Index, IndexBuilder, Snapshots, engines
from tests import tiny
from tests.ensemble.journal_twin import CATALOGUE, SPACE, Changes

ROWS = np.random.default_rng(3).normal(size=(40, 6)).astype(np.float32)


def index_at(seq: int, count: int = 12) -> Index:
    builder = IndexBuilder(SPACE, catalogue_id=CATALOGUE, seq=seq)
    builder.add(tiny.products(count), ROWS[:count])
    slots = builder.build()
    return Index(slots, ExactEngine(slots))


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    """The release's own at 3, and written ones at 5 and 9."""
    index_at(3).save(tmp_path / "own")
    made = Snapshots(tmp_path / "snapshots" / "0001", tmp_path / "own")
    for seq in (5, 9):
        made.write(index_at(seq))
    return made


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def names(snapshots: Snapshots) -> list[str]:
    return sorted(path.name for path in snapshots.folder.iterdir() if path.name != ".lock")


def test_the_newest_is_opened(snapshots: Snapshots) -> None:
    assert snapshots.newest("space-a", catalogue_id=CATALOGUE).seq == 9
    assert snapshots.refused == {}


def test_a_release_that_has_none_yet_is_opened_itself(tmp_path: Path) -> None:
    index_at(3).save(tmp_path / "own")
    assert Snapshots(tmp_path / "nowhere", tmp_path / "own").newest().seq == 3


def test_a_damaged_one_is_refused_by_name_and_the_one_before_is_opened(
    snapshots: Snapshots, caplog: pytest.LogCaptureFixture
) -> None:
    for file in sorted((snapshots.folder / "000000000009").iterdir()):
        whole = file.read_bytes()
        damage(file)
        caplog.clear()
        fresh = Snapshots(snapshots.folder, snapshots.own)
        assert fresh.newest().seq == 5
        assert file.name in caplog.text or "index.json" in caplog.text
        assert list(fresh.refused) == [snapshots.folder / "000000000009"]
        assert fresh.newer(5) is None
        file.write_bytes(whole)
    assert snapshots.newest().seq == 9


def test_all_damaged_is_told_with_every_reason(snapshots: Snapshots) -> None:
    for folder in (*snapshots.folder.glob("0*"), snapshots.own):
        damage(folder / "vectors.npy")
    with pytest.raises(DamagedRelease, match=r"no snapshot can be used: .*0009/vec.*0005/vec.*own/vec"):
        snapshots.newest()
    assert names(snapshots) == ["000000000005", "000000000009"]  # a reader removes nothing


def test_one_of_another_catalogue_or_space_is_refused(snapshots: Snapshots) -> None:
    with pytest.raises(DamagedRelease, match="of catalogue 'catalogue-a'; 'catalogue-b' is followed"):
        snapshots.newest(catalogue_id="catalogue-b")
    with pytest.raises(DamagedRelease, match="queries are of space space-b"):
        snapshots.newest("space-b")


def test_writing_keeps_the_newest_two(snapshots: Snapshots) -> None:
    assert snapshots.newer(5) == 9
    assert snapshots.write(index_at(12)).name == "000000000012"
    assert names(snapshots) == ["000000000009", "000000000012"]
    snapshots.write(index_at(11), keep=3)
    assert names(snapshots) == ["000000000009", "000000000011", "000000000012"]
    assert snapshots.newest().seq == 12


def test_damaged_ones_are_not_counted_and_are_removed_in_their_turn(snapshots: Snapshots) -> None:
    damage(snapshots.folder / "000000000009" / "ids_text.npy")
    snapshots.newest()
    snapshots.write(index_at(12))
    assert names(snapshots) == ["000000000005", "000000000009", "000000000012"]
    snapshots.write(index_at(13))
    assert names(snapshots) == ["000000000012", "000000000013"]


def test_a_damaged_one_of_the_same_number_is_replaced(snapshots: Snapshots) -> None:
    inode = (snapshots.folder / "000000000009").stat().st_ino
    snapshots.write(index_at(9))
    assert (snapshots.folder / "000000000009").stat().st_ino == inode
    damage(snapshots.folder / "000000000009" / "documents.npy")
    snapshots.write(index_at(9))
    assert snapshots.newest().seq == 9


def test_a_disk_that_is_full_by_the_time_the_lists_are_written(
    snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "ANN_FROM_ROWS", 100)
    builder = IndexBuilder(SPACE, catalogue_id=CATALOGUE, seq=12)
    builder.add([{"id": str(number)} for number in range(100)], np.resize(ROWS, (100, 6)))
    slots = builder.build()
    index = Index(slots, ExactEngine(slots))
    sizes = {path.name: path.stat().st_size for path in snapshots.write(index, keep=9).iterdir()}
    lists = sizes.pop("ann.faiss")
    assert lists > max(sizes.values())
    index.apply(Changes(13))
    with files_up_to(lists - 1), pytest.raises(SnapshotFailed, match="File too large"):
        snapshots.write(index)
    assert snapshots.newest().seq == 12


def test_one_of_the_same_number_and_another_catalogue_or_space_is_replaced(snapshots: Snapshots) -> None:
    for space, catalogue_id in ((SPACE, "catalogue-b"), (replace(SPACE, space_id="space-b"), "catalogue-b")):
        builder = IndexBuilder(space, catalogue_id=catalogue_id, seq=9)
        builder.add(tiny.products(12), ROWS[:12])
        slots = builder.build()
        snapshots.write(Index(slots, ExactEngine(slots)))
        assert snapshots.newest(space.space_id, catalogue_id=catalogue_id).seq == 9


def test_a_folder_that_is_named_otherwise_than_what_it_holds_is_refused(snapshots: Snapshots) -> None:
    (snapshots.folder / "000000000009").rename(snapshots.folder / "000000000010")
    assert snapshots.newest().seq == 5
    (told,) = snapshots.refused.values()
    assert told.endswith("000000000010: holds the state at 9, which its name does not say")


def test_a_snapshot_is_named_by_what_was_written(snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes may be applied as soon as the arrays are on the disk."""
    index, real = index_at(12), Index.save

    def save(self: Index, folder: Path) -> dict[str, str]:
        written = real(self, folder)
        self.apply(Changes(13))
        return written

    monkeypatch.setattr(Index, "save", save)
    assert snapshots.write(index).name == "000000000012"
    assert snapshots.newest().seq == 12
    assert index.seq == 13


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """As on a full disk: no file may become larger."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 300, 700])
def test_a_full_disk_leaves_the_others_as_they_were(snapshots: Snapshots, size: int) -> None:
    with files_up_to(size), pytest.raises(SnapshotFailed, match=r"0001: the snapshot cannot be written: .*untouched"):
        snapshots.write(index_at(12))
    assert names(snapshots) == ["000000000005", "000000000009"]
    assert snapshots.newest().seq == 9
    snapshots.write(index_at(12))
    assert snapshots.newest().seq == 12


def test_writers_wait_for_each_other(snapshots: Snapshots) -> None:
    errors: list[Exception] = []

    def write(first: int) -> None:
        try:
            for seq in range(first, first + 10, 2):
                Snapshots(snapshots.folder, snapshots.own).write(index_at(seq), keep=100)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(first,)) for first in (20, 21, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert [int(name) for name in names(snapshots)] == [5, 9, *range(20, 30)]
    assert snapshots.newest().seq == 29
    assert snapshots.refused == {}


def test_a_reader_goes_on_when_a_writer_removes_what_it_reads(snapshots: Snapshots) -> None:
    index = snapshots.newest()
    for seq in (12, 13, 14):
        snapshots.write(index_at(seq))
    assert not (snapshots.folder / "000000000009").exists()
    (hits,) = index.search(ROWS[:1], [3])
    assert index.slots.product(int(hits.slots[0])) == tiny.products()[int(hits.slots[0])]


def killed_writer(folder: Path, own: Path, first: int, delay_s: float) -> int:
    """Fork a writer, kill it after a while; the last sequence number that it said it had written."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writer, b"!")
            for seq in range(first, first + 10_000):
                Snapshots(folder, own).write(index_at(seq))
                os.write(writer, f"{seq}\n".encode())
        finally:
            os._exit(1)
    os.close(writer)
    os.read(reader, 1)
    time.sleep(delay_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = b""
    while select.select([reader], [], [], 1)[0] and (part := os.read(reader, 65_536)):
        told += part
    os.close(reader)
    return max((int(line) for line in told.splitlines() if line.strip()), default=0)


@pytest.mark.parametrize("rounds", [10, pytest.param(80, marks=pytest.mark.slow)])
def test_a_writer_killed_at_any_point_leaves_whole_snapshots(snapshots: Snapshots, rounds: int) -> None:
    rng = np.random.default_rng(rounds)
    written = 9
    for _ in range(rounds):
        written = max(written, killed_writer(snapshots.folder, snapshots.own, written + 1, rng.uniform(0, 0.06)))
        fresh = Snapshots(snapshots.folder, snapshots.own)
        index = fresh.newest("space-a", catalogue_id=CATALOGUE)
        assert index.seq in (written, written + 1)  # it may die between the rename and telling it
        assert fresh.refused == {}
        assert [index.slots.product(slot) for slot in range(12)] == tiny.products(12)
        written = index.seq
    Snapshots(snapshots.folder, snapshots.own).write(index_at(written + 1))
    assert all(name.isdigit() for name in names(snapshots))  # what the dead left is gone
