from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.command import PROJECT_ROOT, server_command, server_environment
from deploy.embedded import EmbeddedServer
from deploy.options import Endpoints, ServeOptions

SERVER = EmbeddedServer(Path("/w/tritonserver"), Path("/w/python"), Path("/w/stub"), None)


def test_everything_listens_where_it_was_told() -> None:
    endpoints = Endpoints("127.0.0.1", 8000, 8001, 8002)
    command = server_command(SERVER, Path("/t"), Path("/var/models"), endpoints, ServeOptions(shm_bytes=1 << 20))
    assert command[0] == "/w/tritonserver"
    for service, port in (("http", 8000), ("grpc", 8001), ("metrics", 8002)):
        assert f"--{service}-address=127.0.0.1" in command
        assert f"--{service}-port={port}" in command
    assert "--model-control-mode=explicit" in command
    assert "--load-model=*" in command
    assert "--backend-config=python,shm-default-byte-size=1048576" in command
    assert not any("cache" in argument for argument in command)
    assert "--model-repository=/var/models" in command


def test_the_interpreter_comes_first_and_the_project_can_be_imported() -> None:
    environment = server_environment(Path("/t"), {"PATH": "/usr/bin", "PYTHONPATH": "/mine", "HOME": "/h"})
    assert environment["PATH"].split(os.pathsep) == [str(Path(sys.executable).parent), "/usr/bin"]
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(PROJECT_ROOT), "/mine"]
    assert environment["LD_LIBRARY_PATH"] == "/t/lib"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["HOME"] == "/h"
    assert environment["TANDEM_GATE"] == "/t/gate"
    assert (PROJECT_ROOT / "ensemble").is_dir()
