"""What all rooms' tests share."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

# Kernels of the GPU are interpreted, on the CPU: the Triton language asks for this when it is first imported.
os.environ["TRITON_INTERPRET"] = "1"

from ensemble.pipeline import Pipeline
from tests import tiny

# Rooms whose tests share what takes long to make, such as a server: one process runs them all.
TOGETHER = (
    "clients",
    "deploy/drift",
    "deploy/measured",
    "deploy/recommending",
    "end_to_end",
    "ensemble/milvus",
    "export/compare",
    "export/engines",
    "export/gate",
    "export/recommending",
    "faults",
    "grocery",
    "living",
    "loadtest",
    "security",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes run the tests, each runs whole files, and whole rooms of these."""
    scheduler: Any = import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    scheduler._split_scope = run_with
    return scheduler


def run_with(nodeid: str) -> str:
    """What the process that runs a test runs beside it: a room, or a file."""
    file = nodeid.split("::", maxsplit=1)[0]
    return next((room for room in TOGETHER if file.startswith(f"tests/{room}/")), file)


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a tiny release, as a Triton repository has them."""
    folder = tmp_path_factory.mktemp("tiny") / "models"
    tiny.write_release(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_pipeline(tiny_models: Path) -> Pipeline:
    """The request path over the tiny release."""
    return Pipeline.open(tiny_models, tiny.RELEASE)
