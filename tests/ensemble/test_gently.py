from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ensemble.gently import beside_callers, gently, import_gently, lower
from ensemble.variables import BESIDE


def priority() -> int:
    return os.getpriority(os.PRIO_PROCESS, 0)


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


def test_work_is_done_at_the_least_priority_and_its_result_comes_back() -> None:
    assert gently(priority) == 19


def test_who_waits_keeps_its_priority() -> None:
    before = priority()
    gently(lambda: None)
    assert priority() == before


def test_its_thread_ends_with_the_work() -> None:
    gently(lambda: None)
    assert "gently" not in [thread.name for thread in threading.enumerate()]


def test_an_error_is_raised_where_the_work_was_asked_for() -> None:
    with pytest.raises(ValueError, match="no such release"):
        gently(lambda: int("no such release"))


def test_only_beside_callers_it_is_done_gently(tmp_path: Path) -> None:
    mark, before = tmp_path / "beside", priority()
    assert beside_callers(priority, {}) == before
    assert beside_callers(priority, {BESIDE: str(mark)}) == before
    mark.touch()
    assert beside_callers(priority, {BESIDE: str(mark)}) == 19


def test_where_no_priority_may_be_lowered_the_work_is_done_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError("not allowed")

    monkeypatch.setattr(os, "setpriority", refuse)
    lower()
    assert gently(lambda: 7) == 7


def test_what_is_imported_gently_is_there_for_the_import_that_follows() -> None:
    done = run(
        "import sys\n"
        "from ensemble.gently import import_gently\n"
        "import_gently('wave', 'chunk')\n"
        "assert 'wave' in sys.modules and 'chunk' in sys.modules\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_module_that_is_not_there_is_told_as_by_import() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        import_gently("no_such_module")


def test_a_process_that_leaves_gently_says_its_last_words_and_is_not_taken_apart() -> None:
    done = run(
        "import atexit, os\n"
        "from ensemble.gently import leave_gently\n"
        "atexit.register(lambda: print('taken apart'))\n"
        "leave_gently()\n"
        "print('priority', os.getpriority(os.PRIO_PROCESS, 0), end='')\n"
    )
    assert (done.returncode, done.stdout) == (0, "priority 19")
