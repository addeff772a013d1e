"""The shared memory of a server's models, learned of by looking."""

from __future__ import annotations

import mmap
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import procfs
from deploy.regions import Regions


@pytest.fixture
def shm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(procfs, "SHM", tmp_path)
    return tmp_path


@pytest.fixture
def maps_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Whose map was read."""
    asked, shm_regions = list[int](), procfs.shm_regions

    def spied(pid: int) -> set[str]:
        asked.append(pid)
        return shm_regions(pid)

    monkeypatch.setattr(procfs, "shm_regions", spied)
    return asked


def region(shm: Path) -> Path:
    path = shm / f"triton_python_backend_shm_region_{uuid.uuid4()}"
    path.write_bytes(b"what callers ask")
    path.chmod(0o666)
    return path


@contextmanager
def mapped(path: Path) -> Iterator[None]:
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0):
        yield


def test_a_map_is_read_only_while_a_region_is_new(shm: Path, maps_read: list[int]) -> None:
    earlier, me = region(shm), os.getpid()
    regions = Regions()
    regions.look(me)
    assert not maps_read  # what was there before the server is not the server's
    own = region(shm)
    with mapped(own):
        regions.look(me)
        assert maps_read == [me]
        assert own.stat().st_mode & 0o777 == 0o600
        regions.look(me)
        assert maps_read == [me]
    regions.remove()
    assert (earlier.exists(), own.exists()) == (True, False)


def test_a_region_may_be_made_before_it_is_mapped_but_not_for_long(shm: Path, maps_read: list[int]) -> None:
    now = 100.0
    regions, me = Regions(lambda: now), os.getpid()
    other, own = region(shm), region(shm)
    regions.look(me)
    now += 9.0
    with mapped(own):
        regions.look(me)
    now += 1.0
    regions.look(me)
    assert len(maps_read) == 3
    now += 1.0
    regions.look(me)
    assert len(maps_read) == 3  # the other one is another server's
    regions.remove()
    assert (other.exists(), own.exists()) == (True, False)


def test_who_is_about_to_be_ended_is_always_read(shm: Path) -> None:
    regions, late = Regions(), region(shm)
    with mapped(late):
        regions.note(os.getpid())
    regions.remove()
    assert not late.exists()
