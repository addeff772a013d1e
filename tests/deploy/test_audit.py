from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.audit import FILE, Audit, Entry


def add(audit: Audit, after: int, why: str = "") -> Entry:
    return audit.add("shop", "activate", 1, after, why=why, outcome="done", seconds=1.2345, told="release 2 is live")


def test_entries_are_read_as_they_were_written(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    assert audit.all() == []
    entries = [add(audit, 2, "größer\nand in two lines"), add(audit, 3, "a line\u2028and another\x85"), add(audit, 4)]
    assert Audit(tmp_path).all() == entries
    assert entries[0].seconds == 1.234
    assert len((tmp_path / FILE).read_bytes().splitlines()) == 3
    assert "größer" in (tmp_path / FILE).read_text("utf-8")


def test_words_that_are_no_text_are_written_too(tmp_path: Path) -> None:
    audit = Audit(tmp_path)
    entry = add(audit, 2, os.fsdecode(b"\xff"))
    assert audit.all() == [entry]


def test_a_line_that_a_crash_cut_off_takes_no_other_with_it(tmp_path: Path) -> None:
    audit, path = Audit(tmp_path), tmp_path / FILE
    first = add(audit, 2, "größer")
    whole = path.read_bytes()
    for cut in range(len(whole) - 1):
        path.write_bytes(whole + whole[:cut])
        assert audit.all() == [first]
        second = add(audit, 3)
        assert audit.all() == [first, second]


@contextmanager
def room_for(length: int) -> Iterator[None]:
    """No file may grow beyond that; a write stops where the room ends, as on a disk that is full."""
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("room", [0, 1, 40])
def test_what_finds_no_room_leaves_no_half_line(tmp_path: Path, room: int) -> None:
    audit, path = Audit(tmp_path), tmp_path / FILE
    add(audit, 2)
    before = path.read_bytes()
    with room_for(len(before) + room), pytest.raises(OSError, match=r"[Nn]o space left|too large"):
        add(audit, 3)
    assert path.read_bytes() == before
    add(audit, 4)
    assert [entry.after for entry in audit.all()] == [2, 4]


def test_what_cannot_be_brought_to_disk_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = Audit(tmp_path)
    add(audit, 2)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", failing)
        with pytest.raises(OSError, match="broken"):
            add(audit, 3)
    assert [entry.after for entry in audit.all()] == [2]


def failing(_descriptor: int) -> None:
    raise OSError("broken")


ADD = """
import sys
from pathlib import Path
from deploy.audit import Audit
for after in range(50):
    Audit(Path(sys.argv[1])).add("x", "activate", 1, after, why="", outcome="done", seconds=0, told="y" * 200)
"""


def test_threads_and_processes_do_not_write_into_each_other_s_lines(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path)])
    audit = Audit(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda after: add(audit, after), range(100)))
    assert other.wait() == 0
    assert sorted(entry.after or 0 for entry in audit.all() if entry.who == "shop") == list(range(100))
    assert [entry.after for entry in audit.all() if entry.who == "x"] == list(range(50))
    assert all(json.loads(line) for line in (tmp_path / FILE).read_bytes().splitlines())
