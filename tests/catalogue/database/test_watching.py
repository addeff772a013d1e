"""Writes to a file, told by Linux itself."""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from inotify_simple import INotify

from catalogue.database.watching import Writes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def writes(file: Path) -> Iterator[Writes]:
    made = Writes(file)
    yield made
    made.close()


def told(writes: Writes) -> bool:
    return bool(select.select([writes.fileno()], [], [], 0)[0])


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def test_a_write_is_told_until_it_is_taken(writes: Writes, file: Path) -> None:
    assert not told(writes)
    before = writes.quiet_s()
    append(file)
    assert told(writes)
    assert writes.quiet_s() >= before
    writes.take()
    assert not told(writes)


def test_only_a_write_begins_the_time_anew(writes: Writes, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    append(file)
    writes.take()
    now += 5
    file.read_bytes()
    (file.parent / "another").write_bytes(b"one")
    writes.take()
    writes.renew()
    assert writes.quiet_s() == 5
    append(file)
    writes.take()
    assert writes.quiet_s() == 0


def test_a_file_in_the_place_of_the_old_one_is_watched_instead(
    writes: Writes, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.unlink()
    with pytest.raises(FileNotFoundError):
        writes.renew()
    file.write_bytes(b"two")
    writes.take()
    assert not told(writes)
    now = 1_000_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    writes.renew()
    assert writes.quiet_s() == 0  # it may have been written to before it was watched
    writes.take()
    append(file)
    assert told(writes)


def test_descriptors_are_given_back(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = descriptors()
    Writes(file).close()
    with pytest.raises(FileNotFoundError):
        Writes(file.with_name("missing"))
    assert descriptors() == before

    def no_watch_left(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(INotify, "add_watch", no_watch_left)
    with pytest.raises(OSError, match="No space left"):
        Writes(file)
    assert descriptors() == before
