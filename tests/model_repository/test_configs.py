"""The configurations as they stand, read by Triton's own protobuf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from tests.model_repository.edges import problems

ROOT = Path(__file__).parents[2] / "model_repository"
SEARCHES = {"search_text", "search_image", "search"}
ENSEMBLES = SEARCHES | {"embed_text", "embed_image", "embed_product", "upsert_product"}
TOWERS = {"text_tower", "vision_tower"}
WRITERS = {"commit_product", "patch_product", "delete_product"}
STEPS = TOWERS | WRITERS | {"text_preprocess", "image_preprocess", "product_preprocess", "product_row", "retrieve"}
# What travels as an empty or absent tensor, by the contract of docs/design.md.
OPTIONAL = {"K", "FILTER", "RANK", "WEIGHTS", "MIN_SEQ"}


def read(name: str) -> Any:
    return text_format.Parse((ROOT / name / "config.pbtxt").read_text(), ModelConfig())


CONFIGS = {name: read(name) for name in sorted(ENSEMBLES | STEPS)}


def test_every_folder_is_a_known_model() -> None:
    assert {path.name for path in ROOT.iterdir() if path.is_dir()} == ENSEMBLES | STEPS


@pytest.mark.parametrize("name", CONFIGS)
def test_name_is_the_folder_and_a_version_exists(name: str) -> None:
    assert CONFIGS[name].name == name
    assert (ROOT / name / "1").is_dir()
    assert (ROOT / name / "1" / "model.py").exists() == (name in STEPS)


def test_ensembles_are_wired_name_by_name_and_type_by_type() -> None:
    assert problems(CONFIGS) == []


@pytest.mark.parametrize("name", sorted(ENSEMBLES))
def test_ensembles_pin_their_steps_to_a_release(name: str) -> None:
    assert {step.model_version for step in CONFIGS[name].ensemble_scheduling.step} == {1}


@pytest.mark.parametrize("name", sorted(ENSEMBLES))
def test_only_what_has_a_default_is_optional(name: str) -> None:
    assert {tensor.name for tensor in CONFIGS[name].input if tensor.optional} == {
        tensor.name for tensor in CONFIGS[name].input
    } & OPTIONAL


@pytest.mark.parametrize("name", sorted(STEPS))
def test_steps_batch_and_are_warmed_unless_that_would_write(name: str) -> None:
    config = CONFIGS[name]
    assert config.max_batch_size > 1
    assert config.HasField("dynamic_batching")
    assert config.dynamic_batching.max_queue_delay_microseconds == 0
    assert bool(config.model_warmup) == (name not in WRITERS)
    for warmup in config.model_warmup:
        for tensor in warmup.inputs.values():
            assert not tensor.input_data_file or (ROOT / name / "warmup" / tensor.input_data_file).is_file()


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_group_of_writes_is_one_batch(name: str) -> None:
    # Requests of a batch are committed together; two instances would wait for each other's lock instead.
    assert [group.count for group in CONFIGS[name].instance_group] == [1]
    assert CONFIGS[name].max_batch_size == 64


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_searches_may_ask_for_a_state_of_the_catalogue(name: str) -> None:
    steps = {step.model_name: step for step in CONFIGS[name].ensemble_scheduling.step}
    assert steps["retrieve"].input_map["MIN_SEQ"] == "MIN_SEQ"


def test_what_is_written_is_what_was_encoded() -> None:
    embed, upsert = (CONFIGS[name].ensemble_scheduling.step for name in ("embed_product", "upsert_product"))
    assert list(embed) == list(upsert)[:-1]
    assert upsert[-1].model_name == "commit_product"
    assert dict(upsert[-1].input_map) == {"PRODUCT": "PRODUCT", "IMAGE": "IMAGE", "ROW": "ROW"}


def test_queues_are_bounded_at_the_towers() -> None:
    bounded = {name for name, config in CONFIGS.items() if config.dynamic_batching.HasField("default_queue_policy")}
    assert bounded == TOWERS
    for name in TOWERS:
        policy = CONFIGS[name].dynamic_batching.default_queue_policy
        assert 0 < policy.max_queue_size <= 1024
        assert policy.timeout_action == policy.REJECT
        assert policy.default_timeout_microseconds > 0


def test_only_towers_remember_and_none_by_triton() -> None:
    assert {name for name, config in CONFIGS.items() if "cache_rows" in config.parameters} == TOWERS
    assert not any(config.response_cache.enable for config in CONFIGS.values())


def test_towers_are_warmed_at_every_bucket() -> None:
    warmed = {tuple(warmup.inputs["INPUT_IDS"].dims) for warmup in CONFIGS["text_tower"].model_warmup}
    assert warmed == {(16,), (32,), (64,), (128,), (256,)}
