"""The stubs that a server should have, over small processes that stand for them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import procfs
from deploy.stubs import StubTable

KEY = ("rank", 1, "rank_0_0")


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    script = tmp_path / "rank" / "1" / "model.py"
    script.parent.mkdir(parents=True)
    script.write_text("import time; time.sleep(600)")
    arguments = [sys.executable, str(script), *("-",) * 6, KEY[2], "-"]
    with subprocess.Popen(arguments) as process:
        yield process
        process.kill()


def test_the_command_line_of_a_known_stub_is_not_read_again(
    stub: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, command_line = list[int](), procfs.command_line

    def spied(pid: int) -> list[str]:
        asked.append(pid)
        return command_line(pid)

    monkeypatch.setattr(procfs, "command_line", spied)
    table = StubTable(os.getpid(), lambda: {KEY[:2]})
    for _ in range(17):  # three of them are full looks
        assert table.look() == {}
    assert [known.pid for known in table.of_model("rank", 1)] == [stub.pid]
    assert asked.count(stub.pid) == 1


def test_a_stub_that_dies_between_two_full_looks_is_found_at_once(stub: subprocess.Popen[bytes]) -> None:
    table = StubTable(os.getpid(), lambda: {KEY[:2]})
    assert table.look() == {}
    stub.kill()
    stub.wait()
    assert table.look() == {}  # a fault counts at the second look
    assert table.look() == {KEY: "died"}


def test_a_stub_whose_model_is_unloaded_is_let_go_of(stub: subprocess.Popen[bytes]) -> None:
    table = StubTable(os.getpid(), set)
    table.look()
    assert table.models() == {"rank"}
    stub.kill()
    stub.wait()
    assert [table.look(), table.look(), table.models()] == [{}, {}, set()]
