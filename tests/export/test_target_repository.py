"""What is written for Triton's own backends, what may stay beside it, and the flags that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ensemble.settings import ImageSettings, SpaceSettings, TextSettings
from export import repository
from export.configs import Facts, fill
from export.errors import BadSource
from export.targets import TOWERS
from export.targets.flags import MIB, server_flags
from tests import tiny

TEXT, VISION = TOWERS
TWO_GPUS = {TEXT: {"9.0": "model_sm90.plan", "8.9": "model_sm89.plan"}}
NATIVE = (("onnxruntime", "cpu"), ("onnxruntime", "gpu"), ("tensorrt", "gpu"))


def write(models: Path, target: str, device: str = "", release: int = 1, **changed: Any) -> Facts:
    """Towers of a few numbers, written for a target; engines are files of that name."""
    made = Facts(release, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE, target=target, device=device, **changed)
    for name, graph in ((TEXT, tiny.text_tower()), (VISION, tiny.vision_tower())):
        folder = repository.write_graph(models, name, release, graph).parent
        for plan in made.engines.get(name, {"": "model.plan"}).values() if target == "tensorrt" else ():
            (folder / plan).touch()
    repository.write_models(models, repository.source_configs(), made)
    return made


@pytest.mark.parametrize(("target", "device"), NATIVE)
def test_a_tower_that_triton_runs_itself_has_no_code(target: str, device: str, tmp_path: Path) -> None:
    write(tmp_path, target, device)
    assert {path.name for path in (tmp_path / TEXT / "1").iterdir()} == {"model.onnx"} | (
        {"model.plan"} if target == "tensorrt" else set()
    )
    assert (tmp_path / "text_preprocess" / "1" / "model.py").is_file()
    assert (tmp_path / "text_preprocess" / "warmup" / "text").is_file()


def test_an_engine_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, "onnxruntime")
    made = Facts(1, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE, target="tensorrt", engines=TWO_GPUS)
    with pytest.raises(BadSource, match=r"text_tower/1: no model_sm89.plan, model_sm90.plan, which target tensorrt"):
        repository.write_models(tmp_path / "other", _with_graphs(tmp_path / "other"), made)


def _with_graphs(models: Path) -> dict[str, Any]:
    repository.write_graph(models, TEXT, 1, tiny.text_tower())
    repository.write_graph(models, VISION, 1, tiny.vision_tower())
    return {TEXT: repository.source_configs()[TEXT]}


Kept = tuple[int | None, list[str]]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (("cpu", ""), ("cpu", ""), (1, [])),
        (("onnxruntime", "cpu"), ("onnxruntime", "gpu"), (1, [])),
        (("tensorrt", ""), ("tensorrt", ""), (1, [])),
        (("cpu", ""), ("onnxruntime", ""), (None, [TEXT, VISION])),
        (("onnxruntime", ""), ("cpu", ""), (None, [TEXT, VISION])),
        (("onnxruntime", "gpu"), ("tensorrt", ""), (None, [TEXT, VISION])),
    ],
)
def test_versions_of_different_backends_do_not_share_a_config(
    before: tuple[str, str], after: tuple[str, str], kept: Kept, tmp_path: Path
) -> None:
    write(tmp_path / "models", *before)
    made = Facts(2, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE, target=after[0], device=after[1])
    assert _kept(tmp_path, made) == kept


def test_versions_of_other_engines_or_profiles_do_not_share_a_config(tmp_path: Path) -> None:
    write(tmp_path / "models", "tensorrt", engines=TWO_GPUS)
    same = Facts(2, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE, target="tensorrt", engines=TWO_GPUS)
    assert _kept(tmp_path, same) == (1, [])
    fewer_gpus = {TEXT: {"9.0": "model_sm90.plan"}}
    other = Facts(2, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE, target="tensorrt", engines=fewer_gpus)
    assert _kept(tmp_path, other) == (None, [TEXT])
    fewer_buckets = TextSettings(16, (4, 16))
    other = Facts(2, None, fewer_buckets, tiny.IMAGE, tiny.SPACE, target="tensorrt", engines=TWO_GPUS)
    assert _kept(tmp_path, other) == (None, [TEXT])


def _kept(store: Path, made: Facts) -> Kept:
    kept, changed = repository.version_to_keep(store, repository.source_configs(), made)
    return kept, sorted(changed)


def default(target: str) -> Facts:
    return Facts(1, None, TextSettings(), ImageSettings(), SpaceSettings("0", 384, 384), target=target)


def test_the_cpu_needs_no_pools_and_the_embedded_server_no_flags(tmp_path: Path) -> None:
    configs = repository.source_configs()
    towers = [fill(configs[name], default("onnxruntime")) for name in TOWERS]
    assert server_flags(towers) == ["--disable-auto-complete-config"]
    repository.write_flags(tmp_path, configs, default("cpu"))
    assert list(tmp_path.iterdir()) == []
    repository.write_flags(tmp_path, configs, default("tensorrt"), version_compatible=True)
    assert (tmp_path / "tritonserver.flags").read_text().splitlines() == [
        "--disable-auto-complete-config",
        f"--pinned-memory-pool-byte-size={256 * MIB}",
        f"--cuda-memory-pool-byte-size=0:{64 * MIB}",
        "--backend-config=tensorrt,version-compatible=true",
    ]


def test_pools_hold_full_queues() -> None:
    large = Facts(1, None, TextSettings(), ImageSettings(448), SpaceSettings("0", 65_536, 384), target="tensorrt")
    configs = [fill(repository.source_configs()[name], large) for name in TOWERS]
    flags = server_flags(configs, gpus=(0, 1))
    rows = 512 + 2 * 64
    assert 256 * MIB < rows * (448 * 448 * 3 + 256 * 8 + 4) < 512 * MIB
    assert flags[1] == f"--pinned-memory-pool-byte-size={512 * MIB}"
    assert 128 * MIB < rows * (65_536 + 384) * 4 < 192 * MIB
    assert flags[2:] == [f"--cuda-memory-pool-byte-size={gpu}:{192 * MIB}" for gpu in (0, 1)]
