from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.command import server_environment
from deploy.searching import Searching
from ensemble.index.choice import EngineChoice


def test_what_is_asked_for_reaches_the_model() -> None:
    inherited = {"TANDEM_ENGINE": "gpu", "TANDEM_MILVUS": "http://elsewhere:19530", "PATH": "/bin"}
    environment = server_environment(Path("/t"), inherited, searching=Searching("gpu-int8"), store=Path("/shop"))
    assert EngineChoice.asked(environment) == EngineChoice("gpu-int8", Path("/shop/cache"))
    assert environment["TRITON_CACHE_DIR"] == "/shop/cache/kernels"
    assert "TANDEM_MILVUS" not in environment


def test_by_default_a_gpu_is_taken_where_there_is_one() -> None:
    assert EngineChoice.asked(server_environment(Path("/t"), {})) == EngineChoice("auto")
    assert EngineChoice.asked({}) == EngineChoice("auto")


@pytest.mark.parametrize(
    ("engine", "milvus", "told"),
    [
        ("gpu-fp16", None, "`--engine` must be one of auto, cpu, gpu, gpu-int8, milvus, got 'gpu-fp16'"),
        ("milvus", None, "`--engine milvus` and `--milvus URI` belong together"),
        ("auto", "http://127.0.0.1:19530", "`--engine milvus` and `--milvus URI` belong together"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(engine: str, milvus: str | None, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Searching(engine, milvus)


def test_a_model_that_is_asked_for_an_unknown_engine_says_so() -> None:
    with pytest.raises(ValueError, match="`name` must be one of auto, cpu, exact, ann, gpu, gpu-int8, got 'fpga'"):
        EngineChoice.asked({"TANDEM_ENGINE": "fpga"})
