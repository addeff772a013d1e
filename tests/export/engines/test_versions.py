"""The whole build, and the tower over its engine, against NVIDIA's own bindings of 8.6, 10.16 and 11.4."""

from __future__ import annotations

from typing import Any

from tests.export.engines.bindings import Version
from tests.export.engines.conftest import calls

# Names that a version lacks, each behind a question to the module; every other name must be there in all versions.
ABSENT: dict[str, set[str]] = {
    "8.6": {"IProgressMonitor", "IProgressMonitor.__init__", "NetworkDefinitionCreationFlag.STRONGLY_TYPED"},
    "10.16": set(),
    "11.4": {"BuilderFlag.FP16", "BuilderFlag.INT8", "NetworkDefinitionCreationFlag.EXPLICIT_BATCH"},
}
PRECISION_FLAGS: dict[str, dict[str, list[list[str]]]] = {
    "8.6": {
        "fp32": [],
        "fp16": [["BuilderFlag.FP16"]],
        "int8": [["BuilderFlag.FP16"], ["BuilderFlag.INT8"]],
    },
    "10.16": {"fp32": [], "fp16": [], "int8": []},
    "11.4": {"fp32": [], "fp16": [], "int8": []},
}
# The bit of EXPLICIT_BATCH in 8.6, of STRONGLY_TYPED in 10 and 11: another number in each.
NETWORK_BITS = {"8.6": "1", "10.16": "2", "11.4": "1"}


def test_every_name_that_the_code_writes_out_exists(version: Version, played: dict[str, Any]) -> None:
    assert played["version"].startswith(version.name)
    assert {name for name, there in played["surface"].items() if not there} == ABSENT[version.name]
    assert len(played["surface"]) > 30


def test_precision_is_told_by_flags_only_where_the_graph_does_not_decide(
    version: Version, played: dict[str, Any]
) -> None:
    for precision, journal in played["precisions"].items():
        assert calls(journal, "IBuilderConfig.set_flag") == PRECISION_FLAGS[version.name][precision]
        assert calls(journal, "IBuilderConfig.clear_flag") == [["BuilderFlag.TF32"]]
        assert calls(journal, "Builder.create_network") == [[NETWORK_BITS[version.name]]]


def test_every_option_reaches_the_builder(version: Version, played: dict[str, Any]) -> None:
    journal = played["everything"]["journal"]
    flags = calls(journal, "IBuilderConfig.set_flag")
    assert flags[-2:] == [["BuilderFlag.VERSION_COMPATIBLE"], ["BuilderFlag.REFIT"]]
    assert calls(journal, "IBuilderConfig.clear_flag") == []
    assert calls(journal, "IBuilderConfig.set_memory_pool_limit") == [["MemoryPoolType.WORKSPACE", str(1 << 30)]]
    assert calls(journal, "IBuilderConfig.builder_optimization_level=") == [["5"]]
    assert calls(journal, "IBuilderConfig.profiling_verbosity=") == [["ProfilingVerbosity.DETAILED"]]
    assert calls(journal, "IBuilderConfig.hardware_compatibility_level=") == [
        ["HardwareCompatibilityLevel.AMPERE_PLUS"]
    ]
    assert calls(journal, "OnnxParser.set_flag") == [["OnnxParserFlag.NATIVE_INSTANCENORM"]]
    assert calls(journal, "IOptimizationProfile.set_shape") == [
        ["'INPUT_IDS'", "(1, 4)", "(2, 4)", "(5, 4)"],
        ["'LENGTHS'", "(1, 1)", "(2, 1)", "(5, 1)"],
        ["'INPUT_IDS'", "(1, 8)", "(2, 8)", "(5, 8)"],
        ["'LENGTHS'", "(1, 1)", "(2, 1)", "(5, 1)"],
    ]
    monitors = calls(journal, "IBuilderConfig.progress_monitor=")
    assert monitors == ([] if version.name == "8.6" else [["Monitor"]])
    assert calls(journal, "Runtime.engine_host_code_allowed=") == [["True"]]


def test_the_stamp_holds_names_and_versions(played: dict[str, Any]) -> None:
    everything = played["everything"]
    stamp = everything["stamp"]
    assert everything["files"] == ["model_sm90.engine.json", "model_sm90.plan"]
    assert (stamp["tensorrt"], stamp["compute_capability"]) == (played["version"], "9.0")
    assert (stamp["gpu"], stamp["driver"], stamp["precision"]) == ("NVIDIA Stub", "580.65", "fp16")
    assert stamp["options"]["hardware_compatibility"] == "ampere_plus"
    assert len(stamp["plan_sha256"]) == len(stamp["graph_sha256"]) == 64


def test_the_inspector_is_given_shapes_and_read_in_both_schemas(played: dict[str, Any]) -> None:
    summary = played["everything"]["summary"]
    assert summary == {"layers_by_precision": {"fp16": 1}, "fused_attention": True, "layers": 1}
    assert played["everything"]["told"] == "1 layers (1 fp16), attention fused"


def test_progress_adds_up_to_a_hundred_percent(version: Version, played: dict[str, Any]) -> None:
    percents = played["everything"]["percents"]
    assert sum(percents) == 100
    assert len(percents) == (1 if version.name == "8.6" else 9)


def test_all_that_the_parser_says_is_told(version: Version, played: dict[str, Any]) -> None:
    first, *lines = played["refused"]["graph"].splitlines()
    assert first.startswith("EngineFailed: ")
    assert first.endswith(f"TensorRT {played['version']} cannot read this graph")
    node = "node {}" if version.name == "8.6" else "node_{} (Strange)"
    assert lines == [f"  UNSUPPORTED_NODE: {node.format(number)}: reason {number}" for number in range(2)]


def test_what_the_error_recorder_got_is_told(played: dict[str, Any]) -> None:
    first, line = played["refused"]["build"].splitlines()
    assert first.endswith("TensorRT could not build the engine of this graph")
    assert line == "  INTERNAL_ERROR: Could not find any implementation for node MatMul_7"


def test_profiles_that_do_not_fit_name_every_input(played: dict[str, Any]) -> None:
    told = played["refused"]
    assert "input `INPUT_IDS` (-1, -1) has no shapes" in told["profiles"]
    assert "input `LENGTHS` (-1, 1) has no shapes" in told["profiles"]
    assert "`PIXELS`, which is no input" in told["profiles"]
    assert "input `PIXELS` (-1, 16, 16, 3) cannot be (1, 32, 32, 3)" in told["size"]


def test_an_int8_engine_needs_qdq_and_a_graph_must_be_there(played: dict[str, Any]) -> None:
    assert "has no QuantizeLinear" in played["refused"]["no_qdq"]
    assert "there is no such graph" in played["refused"]["missing"]
    assert played["refused"]["left"] == "[]"


def test_a_level_that_a_version_does_not_know_is_refused(version: Version, played: dict[str, Any]) -> None:
    told = played["refused"]["same_cc"]
    if version.name == "8.6":
        assert "needs TensorRT 10 or newer, here is 8.6.1; allowed: none, ampere_plus" in told
    else:
        assert told == "nothing was raised"


def test_a_call_that_a_version_lacks_fails(version: Version, played: dict[str, Any]) -> None:
    lacking = {"8.6": "STRONGLY_TYPED", "11.4": "EXPLICIT_BATCH"}.get(version.name)
    told = played["wrong_branch"]
    assert told.endswith(f"has no attribute '{lacking}'") if lacking else told == "nothing was raised"
    calibrator = played["misuse"]["calibrator"]
    assert ("has no `int8_calibrator`" in calibrator) == (version.name == "11.4")


def test_the_doubles_refuse_what_the_real_classes_refuse(played: dict[str, Any]) -> None:
    misuse = played["misuse"]
    assert "has no `set_precision`" in misuse["unknown"]
    assert "IBuilderConfig.set_flag() is none of" in misuse["arity"]
    assert "IBuilderConfig.set_flag('6',) is none of" in misuse["type"]
    assert "cannot be set" in misuse["read_only"]
    assert "INetworkDefinition.get_input" in misuse["index"]


def test_ctrl_c_ends_the_build_and_leaves_nothing(version: Version, played: dict[str, Any]) -> None:
    interrupted = played["interrupted"]
    if version.name == "8.6":  # it has no monitor, so no step at which to press the keys
        assert interrupted["steps"] == 0
    else:
        assert interrupted == {"told": "KeyboardInterrupt: ", "steps": 2, "left": []}


def test_the_timing_cache_is_kept_and_one_of_another_gpu_is_not_used(played: dict[str, Any]) -> None:
    strict = ["ITimingCache", "False"]
    assert played["timings"]["new"] == {"attached": [strict], "file": "timings"}
    assert played["timings"]["kept"] == {"attached": [strict], "file": "timings"}
    assert played["timings"]["foreign"] == {"attached": [strict, strict], "file": "timings"}


def test_the_engine_tower_answers_as_its_twin(played: dict[str, Any]) -> None:
    tower = played["tower"]
    assert tower["surface"] is True
    assert max(tower["differences"]) < 1e-6
    assert len(tower["differences"]) == 4


def test_the_engine_tower_refuses_what_no_profile_takes(version: Version, played: dict[str, Any]) -> None:
    tower = played["tower"]
    assert "no profile of the engine takes INPUT_IDS (1, 5)" in tower["width"]
    assert "allowed: INPUT_IDS (1, 4) to (5, 4)" in tower["width"]
    assert "INPUT_IDS (0, 4)" in tower["empty"]
    refusal = "InvalidInput: INPUT_IDS: values that are no int32" if version.name == "8.6" else "EngineFault: "
    assert tower["too_large"].startswith(refusal)


def test_a_plan_that_is_not_what_was_built_is_not_loaded(played: dict[str, Any]) -> None:
    assert played["tower"]["changed"].startswith("DamagedRelease: ")
    assert "not the engine that was built and gated" in played["tower"]["changed"]
