"""No room: on the disk of the store, and in shared memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.book import Book
from tests.faults.stream import Stream
from tests.faults.trial import Record, trial
from tests.living.served import Served, serving
from tests.living.states import kinds_of_events

pytestmark = pytest.mark.slow

FULL_S = 5.0
SPARE_BYTES = 24 << 20
MIB = 1 << 20


@pytest.fixture
def small_disk(released: Path, tmp_path: Path) -> Iterator[Path]:
    """A store on a file system that has little room left."""
    size = sum(path.stat().st_size for path in released.rglob("*") if path.is_file()) + SPARE_BYTES
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield shutil.copytree(released, place / "var", symlinks=True)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_the_disk_is_full(small_disk: Path, record_property: Record) -> None:
    with serving(small_disk) as served, Stream(served.url, Book()) as stream:
        with trial(f"disk full for {FULL_S:g} s", stream, small_disk, served.url, record_property) as tried:
            filler = small_disk / "filler"
            fill(filler)
            time.sleep(FULL_S)
            refused = tried.seen.failures("write")
            filler.unlink()
            tried.note = "writes are refused while it lasts, searches go on"
        assert refused > 0
        assert tried.seen.failures("text", "photo") == 0
        assert {"restarting", "stub_died", "probe_failed"}.isdisjoint(tried.told)


def fill(path: Path) -> None:
    """Take all the room that there is."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(64 << 10))
        except OSError:
            pass
        try:
            while True:
                file.write(bytes(512))
        except OSError:
            pass


def within_shm(mib: int) -> list[str]:
    """A program that runs another one where ``/dev/shm`` is so small, and is nobody else's."""
    command = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o size={mib}m tmpfs /dev/shm && exec "$@"', "sh"]
    done = subprocess.run([*command, "true"], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no mount namespace can be had here: {done.stderr.strip()}")
    return command


def test_no_room_in_shared_memory(store: Path, record_property: Record) -> None:
    started = time.monotonic()
    with pytest.raises(AssertionError, match="MiB free, the models need at least"):
        Served(store, within=within_shm(16))
    seconds = time.monotonic() - started
    note = f"refused after {seconds:.1f} s, with what to do; nothing was started"
    record_property("fault", {"fault": "`/dev/shm` with 16 MiB left at start", "note": note})
    assert not (store / "run" / "serve.json").exists()


@pytest.mark.parametrize("mib", [int(os.environ.get("SHM", "36"))])
def test_just_enough_shared_memory(store: Path, record_property: Record, mib: int) -> None:
    served = Served(store, within=within_shm(mib))
    try:
        with Stream(served.url, Book()) as stream:
            fault = f"`/dev/shm` with {mib} MiB left at start"
            with trial(fault, stream, store, served.url, record_property):
                pass
        assert set(kinds_of_events(store)) <= {"started", "embedded", "snapshot_written"}
    finally:
        served.stop()
