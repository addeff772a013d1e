"""Towers on Triton's own backends: configs, the graphs they must fit, and what a release leaves for the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tritonclient.grpc import model_config_pb2 as pb

from ensemble.settings import ImageSettings, SpaceSettings, TextSettings
from export import repository
from export.configs import Facts, fill, read_config, write_config
from export.order import Order
from export.targets import TOWERS
from export.targets.tensorrt import GRAPH_BATCHES, default_plan

BUCKETS = (16, 32, 64, 128, 256)
TEXT, VISION = TOWERS
TWO_GPUS = {TEXT: {"9.0": "model_sm90.plan", "8.9": "model_sm89.plan"}}
NATIVE = (("onnxruntime", "cpu"), ("onnxruntime", "gpu"), ("tensorrt", "gpu"))


def facts(target: str, device: str = "", release: int = 1, **changed: Any) -> Facts:
    space = SpaceSettings("0", 384, 384)
    return Facts(release, None, TextSettings(), ImageSettings(), space, target=target, device=device, **changed)


def towers(target: str, device: str = "", **changed: Any) -> dict[str, Any]:
    configs = repository.source_configs()
    return {name: fill(configs[name], facts(target, device, **changed)) for name in TOWERS}


def warmed(config: Any, name: str) -> list[tuple[int, tuple[int, ...]]]:
    return [(one.batch_size, tuple(one.inputs[name].dims)) for one in config.model_warmup]


@pytest.mark.parametrize(("target", "device"), NATIVE)
@pytest.mark.parametrize("name", TOWERS)
def test_what_is_written_is_read_back_by_tritons_own_protobuf(
    target: str, device: str, name: str, tmp_path: Path
) -> None:
    config = towers(target, device, engines=TWO_GPUS)[name]
    write_config(tmp_path / "config.pbtxt", config)
    assert read_config(tmp_path / "config.pbtxt") == config
    assert "cache_rows" not in config.parameters
    assert config.HasField("dynamic_batching")
    assert not config.dynamic_batching.HasField("default_queue_policy")
    assert not config.dynamic_batching.preferred_batch_size
    assert not config.response_cache.enable


@pytest.mark.parametrize("name", TOWERS)
def test_onnx_runtime_on_a_cpu_is_two_instances_of_one_thread(name: str) -> None:
    config = towers("onnxruntime")[name]
    assert (config.backend, config.platform) == ("onnxruntime", "onnxruntime_onnx")
    assert config.default_model_filename == "model.onnx"
    assert [(group.kind, group.count) for group in config.instance_group] == [(pb.ModelInstanceGroup.KIND_CPU, 2)]
    assert {key: value.string_value for key, value in config.parameters.items()} == {"intra_op_thread_count": "1"}
    assert not config.HasField("optimization")


@pytest.mark.parametrize("name", TOWERS)
def test_onnx_runtime_on_a_gpu_searches_no_kernels_and_multiplies_in_full(name: str) -> None:
    config = towers("onnxruntime", "gpu")[name]
    assert [(group.kind, group.count) for group in config.instance_group] == [(pb.ModelInstanceGroup.KIND_GPU, 1)]
    assert {key: value.string_value for key, value in config.parameters.items()} == {
        "intra_op_thread_count": "1",
        "cudnn_conv_algo_search": "1",
        "arena_extend_strategy": "1",
    }
    (cuda,) = config.optimization.execution_accelerators.gpu_execution_accelerator
    assert (cuda.name, dict(cuda.parameters)) == ("cuda", {"use_tf32": "0"})
    # The backend overwrites these four from `parameters`, whatever the accelerator says of them.
    overwritten = {"cudnn_conv_algo_search", "gpu_mem_limit", "arena_extend_strategy", "do_copy_in_default_stream"}
    assert not overwritten & set(cuda.parameters)
    assert not config.optimization.HasField("cuda")


def test_every_bucket_is_warmed_at_the_batches_of_its_target() -> None:
    alone = [(1, (bucket,)) for bucket in BUCKETS]
    in_batches = [(batch, (bucket,)) for bucket in BUCKETS for batch in (1, 8, 64)]
    assert warmed(towers("cpu")[TEXT], "INPUT_IDS") == alone
    assert warmed(towers("onnxruntime")[TEXT], "INPUT_IDS") == alone
    assert warmed(towers("onnxruntime", "gpu")[TEXT], "INPUT_IDS") == in_batches
    assert warmed(towers("tensorrt")[TEXT], "INPUT_IDS") == in_batches
    assert warmed(towers("tensorrt")[VISION], "PIXELS") == [(batch, (96, 96, 3)) for batch in (1, 8, 64)]
    names = [one.name for one in towers("tensorrt")[TEXT].model_warmup]
    assert len(set(names)) == len(names)


def test_a_tensorrt_tower_has_one_profile_a_bucket() -> None:
    config = towers("tensorrt")
    for name, profiles in ((TEXT, ["0", "1", "2", "3", "4"]), (VISION, ["0"])):
        assert (config[name].backend, config[name].platform) == ("tensorrt", "tensorrt_plan")
        assert config[name].default_model_filename == "model.plan"
        (group,) = config[name].instance_group
        assert (group.kind, group.count) == (pb.ModelInstanceGroup.KIND_GPU, 1)
        assert list(group.profile) == profiles
        assert not any(tensor.is_shape_tensor for tensor in config[name].input)
        assert not config[name].parameters


def test_cuda_graphs_cover_every_small_batch_of_every_bucket_once() -> None:
    cuda = towers("tensorrt")[TEXT].optimization.cuda
    assert (cuda.graphs, cuda.output_copy_stream, cuda.busy_wait_events) == (True, True, False)
    covered = []
    for spec in cuda.graph_spec:
        inputs = {name: list(shape.dim) for name, shape in spec.input.items()}
        lower = {name: list(shape.dim) for name, shape in spec.graph_lower_bound.input.items()}
        # The backend captures nothing unless every input is named, and a padded sequence would change the answer.
        assert inputs == lower == {"INPUT_IDS": inputs["INPUT_IDS"], "LENGTHS": [1]}
        sizes = range(spec.graph_lower_bound.batch_size, spec.batch_size + 1)
        covered += [(inputs["INPUT_IDS"][0], batch) for batch in sizes]
    assert covered == [(bucket, batch) for bucket in BUCKETS for batch in range(1, GRAPH_BATCHES[-1] + 1)]
    vision = towers("tensorrt")[VISION].optimization.cuda.graph_spec
    assert [list(spec.input["PIXELS"].dim) for spec in vision] == [[96, 96, 3]] * len(GRAPH_BATCHES)


def test_graphs_and_warm_up_stay_within_the_largest_batch() -> None:
    source = repository.source_configs()[TEXT]
    source.max_batch_size = 4
    config = fill(source, facts("tensorrt"))
    assert {spec.batch_size for spec in config.optimization.cuda.graph_spec} == {1, 2, 4}
    assert {one.batch_size for one in config.model_warmup} == {1, 4}


def test_engines_of_several_gpus_lie_side_by_side() -> None:
    config = towers("tensorrt", engines=TWO_GPUS)
    assert dict(config[TEXT].cc_model_filenames) == TWO_GPUS[TEXT]
    assert config[TEXT].default_model_filename == "model_sm89.plan"
    assert not config[VISION].cc_model_filenames
    assert config[VISION].default_model_filename == "model.plan"


@pytest.mark.parametrize(
    ("engines", "plan"),
    [
        ({}, "model.plan"),
        ({"9.0": "model_sm90.plan"}, "model_sm90.plan"),
        ({"10.0": "model_sm100.plan", "8.0": "model_sm80.plan"}, "model_sm80.plan"),
    ],
)
def test_other_gpus_get_the_engine_of_the_least_capable(engines: dict[str, str], plan: str) -> None:
    assert default_plan(engines) == plan


@pytest.mark.parametrize(
    ("target", "device", "chosen"),
    [
        ("cpu", "", "cpu"),
        ("onnxruntime", "", "cpu"),
        ("onnxruntime", "gpu", "gpu"),
        ("tensorrt", "", "gpu"),
        ("tensorrt", "gpu", "gpu"),
    ],
)
def test_each_target_has_its_devices(target: str, device: str, chosen: str) -> None:
    assert Order("shop.csv", Path("var"), target=target, device=device).device == chosen


@pytest.mark.parametrize(
    ("target", "device", "told"),
    [
        ("gpu", "", "`target` must be one of cpu, onnxruntime, tensorrt, got 'gpu'"),
        ("cpu", "gpu", "`device` must be cpu for target cpu, got 'gpu'"),
        ("tensorrt", "cpu", "`device` must be gpu for target tensorrt, got 'cpu'"),
        ("onnxruntime", "tpu", "`device` must be cpu or gpu for target onnxruntime, got 'tpu'"),
    ],
)
def test_another_target_or_device_is_refused(target: str, device: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Order("shop.csv", Path("var"), target=target, device=device)


@pytest.mark.parametrize(
    ("target", "device", "parameters"),
    [
        ("cpu", "cpu", {}),
        ("onnxruntime", "cpu", {}),
        ("onnxruntime", "gpu", {"FORCE_CPU_ONLY_INPUT_TENSORS": "no"}),
        ("tensorrt", "gpu", {"FORCE_CPU_ONLY_INPUT_TENSORS": "no"}),
    ],
)
def test_vectors_stay_on_the_gpu_between_towers_and_retrieval(
    target: str, device: str, parameters: dict[str, str]
) -> None:
    config = fill(repository.source_configs()["retrieve"], facts(target, device))
    assert {key: value.string_value for key, value in config.parameters.items()} == parameters
