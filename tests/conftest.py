"""What all rooms' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Kernels of the GPU are interpreted, on the CPU: the Triton language asks for this when it is first imported.
os.environ["TRITON_INTERPRET"] = "1"

from ensemble.pipeline import Pipeline
from tests import tiny


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
