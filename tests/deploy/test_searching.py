from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from deploy.command import server_environment
from deploy.searching import ENGINES, Searching
from ensemble.index.choice import EngineChoice, EngineName
from ensemble.index.milvus import MilvusOptions


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
        ("milvus", None, "`--engine milvus` needs `--milvus URI`, or TANDEM_MILVUS: http://host:19530 is one"),
        ("auto", "http://127.0.0.1:19530", "`--milvus` is for `--engine milvus`, and the engine is auto"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(engine: str, milvus: str | None, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Searching(engine, milvus)


def test_a_model_that_is_asked_for_an_unknown_engine_says_so() -> None:
    told = "TANDEM_ENGINE must be one of auto, cpu, exact, ann, gpu, gpu-int8, milvus, got 'fpga'"
    with pytest.raises(ValueError, match=told):
        EngineChoice.asked({"TANDEM_ENGINE": "fpga"})


def test_an_engine_that_can_be_asked_for_is_one_of_an_index_or_milvus() -> None:
    assert set(ENGINES) - {"milvus"} < set(get_args(EngineName))


MILVUS = {"TANDEM_MILVUS": "http://milvus:19530", "TANDEM_MILVUS_COLLECTION": "shop"}


def test_the_environment_tells_where_milvus_is_and_asks_for_nothing_by_itself() -> None:
    assert Searching.asked("auto", None, None, MILVUS) == Searching()
    asked = Searching.asked("milvus", None, None, MILVUS)
    assert MilvusOptions.asked(server_environment(Path("/t"), MILVUS, searching=asked)) == MilvusOptions(
        "http://milvus:19530", collection="shop"
    )
    asked = Searching.asked("milvus", "https://other", "mine", MILVUS)
    assert MilvusOptions.asked(server_environment(Path("/t"), MILVUS, searching=asked)) == MilvusOptions(
        "https://other", collection="mine"
    )


@pytest.mark.parametrize(
    ("milvus", "collection", "told"),
    [
        ("milvus:19530", None, "did you mean http://milvus:19530?"),
        (None, "a-b", "`collection` must be letters, digits and underscores, got 'a-b'"),
    ],
)
def test_a_milvus_that_the_models_would_refuse_is_refused_at_once(
    milvus: str | None, collection: str | None, told: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        Searching.asked("milvus", milvus, collection, MILVUS)
