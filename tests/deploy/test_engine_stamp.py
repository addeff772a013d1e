from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.engine_stamp import Accelerator, check_engines, check_target
from deploy.errors import StaleEngine, UnusableRelease, WrongServer
from deploy.server import Server
from deploy.store import Release, find_release
from ensemble.engine_stamp import EngineStamp
from ensemble.release import Manifest, manifest_path

H200 = Accelerator("10.16.1.11", "9.0", "NVIDIA H200")
STAMP = EngineStamp(
    plan="model_sm90.plan",
    plan_sha256="0" * 64,
    graph="model.onnx",
    graph_sha256="1" * 64,
    precision="int8",
    tensorrt="10.16.1.11",
    gpu="NVIDIA H200",
    compute_capability="9.0",
    driver="580.65.06",
)


def made_for(store: Path, target: str) -> Release:
    path = manifest_path(store, 1)
    replace(Manifest.load(path), target=target).save(path)
    return find_release(store)


def add_engine(release: Release, model: str, stamp: EngineStamp = STAMP) -> None:
    folder = release.models / model / "1"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / stamp.plan).write_bytes(b"plan")
    stamp.save(folder)


def test_a_release_for_the_cpu_needs_no_engines(store: Path) -> None:
    release = find_release(store)
    check_target(release)
    assert check_engines(release, lambda: None) == 0


@pytest.mark.parametrize("target", ["tensorrt", "onnxruntime"])
def test_the_embedded_server_refuses_a_release_for_another(store: Path, target: str) -> None:
    made_for(store, target)
    with pytest.raises(
        WrongServer, match=rf"target `{target}`; .* `tritonserver .* NVIDIA's Triton image .*--target cpu"
    ):
        Server(store).start()
    assert not (store / "run").exists()


def test_engines_that_fit_pass(store: Path) -> None:
    release = made_for(store, "tensorrt")
    add_engine(release, "text_tower")
    add_engine(release, "vision_tower")
    add_engine(release, "vision_tower", replace(STAMP, plan="model_sm89.plan", compute_capability="8.9"))
    assert check_engines(release, lambda: H200) == 2


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        (replace(H200, tensorrt="11.4.0.106"), "built with TensorRT 10.16.1.11; here is 11.4.0.106"),
        (Accelerator("10.16.1.11", "8.9", "NVIDIA L4"), "built for NVIDIA H200, compute capability 9.0; here is 8.9"),
    ],
)
def test_engines_that_do_not_fit_are_refused_with_the_command_that_mends_it(
    store: Path, here: Accelerator, reason: str
) -> None:
    release = made_for(store, "tensorrt")
    add_engine(release, "text_tower", replace(STAMP, options={"version_compatible": True}))
    add_engine(release, "vision_tower")
    with pytest.raises(StaleEngine) as refused:
        check_engines(release, lambda: here)
    told = str(refused.value)
    assert f"TensorRT {here.tensorrt} on {here.gpu}, compute capability {here.compute_capability}" in told
    assert f"model_sm90.plan: {reason}" in told
    assert f"python -m export release --catalogue FILE --store {store.resolve()} --target tensorrt" in told


def test_without_a_gpu_or_without_engines_nothing_is_served(store: Path) -> None:
    release = made_for(store, "tensorrt")
    with pytest.raises(UnusableRelease, match="holds no engine"):
        check_engines(release, lambda: H200)
    add_engine(release, "text_tower")
    with pytest.raises(StaleEngine, match="needs TensorRT and an NVIDIA GPU"):
        check_engines(release, lambda: None)


def test_a_damaged_stamp_is_told(store: Path) -> None:
    release = made_for(store, "tensorrt")
    add_engine(release, "text_tower")
    (release.models / "text_tower/1/model_sm90.engine.json").write_text("{")
    with pytest.raises(UnusableRelease, match="not the stamp of an engine"):
        check_engines(release, lambda: H200)


def test_the_command_says_what_it_found(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = CliRunner().invoke(app, ["check-engines", "--store", str(store)])
    assert (found.exit_code, found.output.strip()) == (0, "release 1: has no engines")
    release = made_for(store, "tensorrt")
    add_engine(release, "text_tower")
    monkeypatch.setattr("deploy.engine_stamp.gpu_here", lambda: None)
    found = CliRunner().invoke(app, ["check-engines", "--store", str(store)])
    assert found.exit_code == 1
    assert "needs TensorRT and an NVIDIA GPU" in found.output
