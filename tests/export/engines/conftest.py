"""What our code asks of each version of TensorRT, played once a session."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.export.engines.bindings import VERSIONS, CannotBeHadError, Version, bindings
from tests.export.engines.surface import ROOT

TIMEOUT_S = 120


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: version.name)
def version(request: pytest.FixtureRequest) -> Version:
    found: Version = request.param
    return found


@pytest.fixture(scope="session")
def played(version: Version, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outcome of ``scenario.py`` with the real bindings of one version."""
    try:
        package, libraries = bindings(version)
    except CannotBeHadError as reason:
        pytest.skip(str(reason))
    paths = os.pathsep.join([str(package), str(ROOT)])
    run = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.export.engines.scenario", str(tmp_path_factory.mktemp("engines"))],
        env=os.environ | {"LD_LIBRARY_PATH": str(libraries), "PYTHONPATH": paths},
        cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    outcome: dict[str, Any] = json.loads(run.stdout)
    return outcome


def calls(journal: list[Any], name: str) -> list[list[str]]:
    """Arguments of each call of a method, or of each setting of ``CLASS.PROPERTY=``."""
    return [arguments for call, arguments in journal if call == name]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"graph")
    return path
