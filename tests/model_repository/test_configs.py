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
RECOMMENDATIONS = {"recommend", "recommend_product"}
ENSEMBLES = {
    *SEARCHES,
    *RECOMMENDATIONS,
    "embed_text",
    "embed_image",
    "embed_product",
    "upsert_product",
    "patch_product",
    "delete_product",
}
TOWERS = {"text_tower", "vision_tower"}
WRITERS = {"commit_product", "commit_patch", "commit_deletion"}
PREPROCESSING = {"text_preprocess", "image_preprocess", "product_preprocess"}
STEPS = TOWERS | WRITERS | PREPROCESSING | {"product_row", "retrieve", "admission", "recommender"}
# By ensemble: who takes a ticket, and who gives it back.
GATED = (
    ("search_text", "text_preprocess", "retrieve"),
    ("search_image", "image_preprocess", "retrieve"),
    ("search", "text_preprocess", "retrieve"),
    ("embed_product", "product_preprocess", "product_row"),
    ("upsert_product", "product_preprocess", "commit_product"),
    ("recommend", "admission", "recommender"),
    ("recommend_product", "product_preprocess", "recommender"),
)
KNOBS = {"NEAREST", "SKIP", "DIVERSITY", "PER_CATEGORY", "PER_BRAND"}
# What travels as an empty or absent tensor, by the contract of docs/design.md.
OPTIONAL = {"K", "FILTER", "RANK", "WEIGHTS", "MIN_SEQ", "TIMES", "TASK", "SEEN", "CATEGORY"} | KNOBS


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
def test_steps_batch_and_are_warmed_unless_that_would_write_or_they_do_it_themselves(name: str) -> None:
    config = CONFIGS[name]
    assert config.max_batch_size > 1
    assert config.HasField("dynamic_batching")
    assert config.dynamic_batching.max_queue_delay_microseconds == 0
    assert bool(config.model_warmup) == (name not in WRITERS | {"recommender"})
    for warmup in config.model_warmup:
        for tensor in warmup.inputs.values():
            assert not tensor.input_data_file or (ROOT / name / "warmup" / tensor.input_data_file).is_file()


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_a_group_of_writes_is_one_batch(name: str) -> None:
    # Requests of a batch are committed together; two instances would wait for each other's lock instead.
    assert [group.count for group in CONFIGS[name].instance_group] == [1]
    assert CONFIGS[name].max_batch_size == 64


@pytest.mark.parametrize("name", sorted(SEARCHES | RECOMMENDATIONS))
def test_what_reads_the_catalogue_may_be_asked_for_a_state_of_it(name: str) -> None:
    *_, last = CONFIGS[name].ensemble_scheduling.step
    assert last.model_name == ("retrieve" if name in SEARCHES else "recommender")
    assert last.input_map["MIN_SEQ"] == "MIN_SEQ"


@pytest.mark.parametrize("name", sorted(RECOMMENDATIONS))
def test_what_a_recommender_takes_and_gives_is_all_offered(name: str) -> None:
    recommender, public = CONFIGS["recommender"], CONFIGS[name]
    inside = {"TICKET", "ROW"} | ({"PRODUCT"} if name == "recommend" else {"PRODUCT_ID", "WEIGHTS", "TIMES"})
    assert {each.name for each in public.input} - {"IMAGE"} == {each.name for each in recommender.input} - inside
    *_, last = public.ensemble_scheduling.step
    assert set(last.output_map) == {each.name for each in recommender.output}
    assert set(last.output_map.values()) == {each.name for each in public.output}


def test_no_ensemble_answers_by_a_name_that_it_is_asked_by() -> None:
    # Triton 2.51 takes both for one tensor, and answers with what it was asked.
    for name in ENSEMBLES:
        asked, told = ({each.name for each in ends} for ends in (CONFIGS[name].input, CONFIGS[name].output))
        assert not asked & told, name


def test_lists_of_any_length_batch() -> None:
    # Triton puts requests into one batch only where their shapes are the same, or said not to matter.
    for name in ("recommender", "admission"):
        lists = [each for each in CONFIGS[name].input if list(each.dims) == [-1]]
        assert lists
        assert all(each.allow_ragged_batch for each in lists)


def test_what_is_written_is_what_was_encoded() -> None:
    names = ("embed_product", "upsert_product", "recommend_product")
    embed, upsert, cold = (CONFIGS[name].ensemble_scheduling.step for name in names)
    assert [_but_its_ticket(step) for step in embed] == [_but_its_ticket(step) for step in list(upsert)[:-1]]
    assert [_but_its_ticket(step) for step in embed] == [_but_its_ticket(step) for step in list(cold)[:-1]]
    assert upsert[-1].model_name == "commit_product"
    assert set(upsert[-1].input_map) == {"PRODUCT", "IMAGE", "ROW", "TICKET"}


def _but_its_ticket(step: Any) -> tuple[Any, ...]:
    read = {name: tensor for name, tensor in step.input_map.items() if name != "TICKET"}
    return step.model_name, step.model_version, read, dict(step.output_map)


def test_no_queue_is_bounded_by_triton() -> None:
    assert not any(config.dynamic_batching.HasField("default_queue_policy") for config in CONFIGS.values())


@pytest.mark.parametrize(("name", "entrance", "way_out"), GATED)
def test_a_ticket_is_taken_at_the_entrance_and_given_back_at_the_end(name: str, entrance: str, way_out: str) -> None:
    steps = {step.model_name: step for step in CONFIGS[name].ensemble_scheduling.step}
    assert [step for step in steps if "TICKET" in steps[step].output_map] == [entrance]
    assert steps[way_out].input_map["TICKET"] == "TICKET"
    assert "max_in_flight" in CONFIGS[entrance].parameters


def test_a_photo_is_decoded_once_its_text_was_let_in() -> None:
    (photo,) = (step for step in CONFIGS["search"].ensemble_scheduling.step if step.model_name == "image_preprocess")
    assert dict(photo.input_map) == {"IMAGE": "IMAGE", "TICKET": "TICKET", "LENGTHS": "LENGTHS"}


def test_a_text_is_encoded_once_the_photo_beside_it_is_one() -> None:
    steps = {step.model_name: step for step in CONFIGS["search"].ensemble_scheduling.step}
    assert steps["text_tower"].input_map["LENGTHS"] == steps["image_preprocess"].output_map["LENGTHS"]


def test_what_embeds_a_query_has_no_gate() -> None:
    for name in ("embed_text", "embed_image"):
        assert not any("TICKET" in step.output_map for step in CONFIGS[name].ensemble_scheduling.step)


def test_only_towers_remember_and_none_by_triton() -> None:
    assert {name for name, config in CONFIGS.items() if "cache_rows" in config.parameters} == TOWERS
    assert not any(config.response_cache.enable for config in CONFIGS.values())


def test_towers_are_warmed_at_every_bucket() -> None:
    warmed = {tuple(warmup.inputs["INPUT_IDS"].dims) for warmup in CONFIGS["text_tower"].model_warmup}
    assert warmed == {(16,), (32,), (64,), (128,), (256,)}
