"""Every edge of every ensemble, on all three targets and for towers of odd shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ensemble.settings import ImageSettings, SpaceSettings, TextSettings
from export.configs import Facts, fill
from export.repository import source_configs
from tests import tiny
from tests.model_repository.edges import problems

RUNS_ON = (("cpu", "cpu"), ("onnxruntime", "cpu"), ("onnxruntime", "gpu"), ("tensorrt", "gpu"))
SHAPES = {
    "default": (TextSettings(), ImageSettings(), SpaceSettings("0", 384, 384)),
    "tiny": (tiny.TEXT, tiny.IMAGE, tiny.SPACE),
    "one bucket, one number": (TextSettings(4, (4,)), ImageSettings(8), SpaceSettings("0", 1, 1)),
    "odd": (TextSettings(33, (5, 7, 33)), ImageSettings(97), SpaceSettings("0", 7, 1_024)),
    "large": (TextSettings(512, (16, 512)), ImageSettings(448), SpaceSettings("0", 1_536, 768)),
}
Spoil = Callable[[dict[str, Any]], None]


def filled(target: str, device: str, shapes: str) -> dict[str, Any]:
    facts = Facts(3, 2, *SHAPES[shapes], target=target, device=device)
    return {name: fill(config, facts) for name, config in source_configs().items()}


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(("target", "device"), RUNS_ON)
def test_names_types_and_shapes_agree_across_every_edge(target: str, device: str, shapes: str) -> None:
    configs = filled(target, device, shapes)
    assert problems(configs) == []
    assert sum(config.platform == "ensemble" for config in configs.values()) == 11


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize(("target", "device"), RUNS_ON[1:])
def test_no_model_but_the_towers_and_who_takes_their_vectors_knows_the_target(
    target: str, device: str, shapes: str
) -> None:
    on_cpu, here = filled("cpu", "cpu", shapes), filled(target, device, shapes)
    differing = {"text_tower", "vision_tower"} | ({"retrieve"} if device == "gpu" else set())
    assert {name for name in here if here[name] != on_cpu[name]} == differing
    here["retrieve"].parameters.clear()
    assert here["retrieve"] == on_cpu["retrieve"]
    for name in ("text_tower", "vision_tower"):
        for field in ("name", "max_batch_size", "input", "output", "dynamic_batching", "version_policy"):
            assert getattr(here[name], field) == getattr(on_cpu[name], field), field


def _other_type(configs: dict[str, Any]) -> None:
    configs["text_tower"].input[0].data_type = configs["text_tower"].input[1].data_type


def _other_shape(configs: dict[str, Any]) -> None:
    configs["vision_tower"].input[0].dims[:] = [96, 96, 4]


def _other_rank(configs: dict[str, Any]) -> None:
    configs["text_tower"].output[0].dims[:] = [1, 384]


def _other_name(configs: dict[str, Any]) -> None:
    configs["text_tower"].output[0].name = "VECTOR"


def _nothing_feeds(configs: dict[str, Any]) -> None:
    del configs["embed_text"].ensemble_scheduling.step[1].input_map["LENGTHS"]


def _two_producers(configs: dict[str, Any]) -> None:
    configs["embed_text"].ensemble_scheduling.step[0].output_map["LENGTHS"] = "TEXT_VECTOR"


def _smaller_batches(configs: dict[str, Any]) -> None:
    configs["vision_tower"].max_batch_size = 32


def _no_batches(configs: dict[str, Any]) -> None:
    configs["embed_text"].max_batch_size = 0


def _other_seq(configs: dict[str, Any]) -> None:
    next(each for each in configs["search"].input if each.name == "MIN_SEQ").data_type = (
        configs["search"].input[0].data_type
    )


def _waits_for_itself(configs: dict[str, Any]) -> None:
    step = configs["embed_image"].ensemble_scheduling.step[0]
    step.input_map["IMAGE"] = "IMAGE_VECTOR"


def _may_be_absent(configs: dict[str, Any]) -> None:
    configs["embed_text"].input[0].optional = True


def _unused_input(configs: dict[str, Any]) -> None:
    configs["embed_text"].input.add(name="FILTER", data_type=configs["embed_text"].input[0].data_type, dims=[1])


def _no_such_model(configs: dict[str, Any]) -> None:
    configs["embed_text"].ensemble_scheduling.step[1].model_name = "tower"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_other_type, "embed_text: text_preprocess.INPUT_IDS -> text_tower.INPUT_IDS: types"),
        (_other_shape, "search: image_preprocess.PIXELS -> vision_tower.PIXELS: shapes [96, 96, 3] and [96, 96, 4]"),
        (_other_rank, "search_text: text_tower.TEXT_VECTOR -> retrieve.TEXT_VECTOR: shapes [1, 384] and [384]"),
        (_other_name, "embed_product: text_tower has no output TEXT_VECTOR"),
        (_other_seq, "search: search.MIN_SEQ -> retrieve.MIN_SEQ: types"),
        (_nothing_feeds, "embed_text: text_tower.LENGTHS is required, and nothing feeds it"),
        (_two_producers, "embed_text: TEXT_VECTOR has 2 producers"),
        (_smaller_batches, "embed_image: batches of 64 rows, but vision_tower takes 32"),
        (_no_batches, "embed_text: batches of 0 rows"),
        (_waits_for_itself, "embed_image: image_preprocess waits for ever"),
        (_may_be_absent, "embed_text: embed_text.TEXT -> text_preprocess.TEXT: may be absent, but is needed"),
        (_unused_input, "embed_text: FILTER is made by embed_text.FILTER and read by nothing"),
        (_no_such_model, "embed_text: no such models: ['tower']"),
    ],
)
def test_the_walk_finds_what_does_not_fit(spoil: Spoil, told: str) -> None:
    configs = filled("cpu", "cpu", "default")
    spoil(configs)
    assert any(line.startswith(told) for line in problems(configs)), problems(configs)
