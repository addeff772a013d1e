from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from deploy import process
from deploy.errors import ServerFailed
from deploy.process import TritonProcess


@pytest.mark.parametrize(
    ("guard", "said"), [("echo no such module; exit 1", "no such module"), ("exec sleep 600", "(?s)did not start")]
)
def test_a_guard_that_does_not_start_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guard: str, said: str
) -> None:
    program, workdir = tmp_path / "guard", tmp_path / "workdir"
    program.write_text(f"#!/bin/sh\n{guard}\n")
    program.chmod(0o755)
    workdir.mkdir()
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(process, "_GUARD_TIMEOUT_S", 0.5)
    monkeypatch.setattr(process, "_KILL_TIMEOUT_S", 0.5)
    with pytest.raises(ServerFailed, match=said):
        TritonProcess(["/bin/true"], os.environ, workdir, tmp_path / "log")
