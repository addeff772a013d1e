from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ensemble.index import Index
from ensemble.index.choice import EngineChoice
from ensemble.index.gpu.errors import NoGpu
from ensemble.index.gpu.opening import DRIVER
from tests.ensemble.journal_twin import TwinCatalogue


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    catalogue = TwinCatalogue()
    for number in range(5):
        row = np.eye(catalogue.space.row_dim)[number % catalogue.space.row_dim]
        catalogue.upsert({"id": f"P{number}", "title": "x"}, row)
    catalogue.index().save(tmp_path)
    return tmp_path


def test_the_gpu_is_what_is_asked_for(snapshot: Path) -> None:
    index = Index.open(snapshot, engine=EngineChoice("gpu"))
    assert index.on_gpu
    assert index.choice_again == EngineChoice("gpu")


def test_auto_is_main_memory_where_kernels_would_be_interpreted(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.index.gpu.opening.DRIVER", (snapshot,))
    index = Index.open(snapshot, engine=EngineChoice("auto"))
    assert not index.on_gpu
    assert index.choice_again == EngineChoice("cpu")


@pytest.mark.skipif(any(path.exists() for path in DRIVER), reason="this machine has an NVIDIA driver")
def test_auto_is_main_memory_on_a_machine_without_a_gpu(snapshot: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        assert not Index.open(snapshot, engine=EngineChoice("auto")).on_gpu
    assert "searched in main memory: this machine has no NVIDIA driver" in caplog.text


@pytest.mark.parametrize(
    ("missing", "told"), [("torch", "PyTorch is not installed"), ("triton", "the Triton language is not installed")]
)
def test_a_package_that_is_missing_is_named(
    snapshot: Path, missing: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda name: None if name == missing else find(name))
    with pytest.raises(NoGpu, match=re.escape(f"{told}: pip install 'tandem[gpu]'")):
        Index.open(snapshot, engine=EngineChoice("gpu"))
