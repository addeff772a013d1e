"""Configs of Triton's own backends, read and run by a real Triton, as far as one without those backends goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.probe import read_probes
from deploy.store import find_release
from ensemble.settings import ImageSettings, SpaceSettings, TextSettings, read
from export import repository
from export.configs import Facts, read_config, write_config
from export.targets import TOWERS
from tests.export.native_server import native_server

NATIVE = (("onnxruntime", "cpu"), ("onnxruntime", "gpu"), ("tensorrt", "gpu"))


def rewrite(store: Path, models: Path, target: str, device: str) -> list[str]:
    """The store's release as a repository of another target; returns the flags that its server needs."""
    for version in store.glob("models/*/1"):
        ignored = shutil.ignore_patterns("model.py", "__pycache__")
        shutil.copytree(version, models / version.parent.name / "1", ignore=ignored)
    settings = store / "models" / "product_preprocess" / "1" / "settings.json"
    space = read(store / "models" / "retrieve" / "1" / "settings.json", "space", SpaceSettings)
    text, image = read(settings, "text", TextSettings), read(settings, "image", ImageSettings)
    facts = Facts(1, None, text, image, space, target=target, device=device)
    for name in TOWERS if target == "tensorrt" else ():
        (models / name / "1" / "model.plan").touch()
    repository.write_models(models, repository.source_configs(), facts)
    repository.write_flags(models.parent, repository.source_configs(), facts)
    return (models.parent / repository.FLAGS).read_text().splitlines()


def test_a_real_server_answers_over_the_configs_of_onnxruntime(store: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    flags = rewrite(store, models, "onnxruntime", "cpu")
    probes = read_probes(find_release(store).probe)
    searches = {"search_text", "search_image", "search"}
    assert {probe.model for probe in probes} == searches | {"embed_product", "recommend"}
    with native_server(models, tmp_path / "log", flags, stand_in=True) as server:
        server.wait_ready()
        for probe in probes:
            probe.send(server.control, 30.0)


@pytest.mark.parametrize(("target", "device"), NATIVE)
def test_a_real_server_takes_flags_and_configs_and_lacks_the_backend_alone(
    store: Path, tmp_path: Path, target: str, device: str
) -> None:
    assert _refused(store, tmp_path, target, device) == dict.fromkeys(TOWERS, _lacks(target))


def _twice_the_batch(config: Any) -> None:
    config.dynamic_batching.preferred_batch_size.append(128)


def _empty_axis(config: Any) -> None:
    config.output[0].dims[:] = [0]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_twice_the_batch, "preferred size must be <= max batch size"),
        (_empty_axis, "must be integer >= 1, or -1"),
    ],
)
def test_a_real_server_would_say_so_if_a_config_were_wrong(
    store: Path, tmp_path: Path, spoil: Callable[[Any], None], told: str
) -> None:
    assert _refused(store, tmp_path, "tensorrt", "gpu", spoil) == {}
    log = (tmp_path / "log").read_text()
    assert told in log
    assert "unable to find backend library" not in log


def _refused(
    store: Path, folder: Path, target: str, device: str, spoil: Callable[[Any], None] = lambda _: None
) -> dict[str, str]:
    models = folder / "models"
    flags = rewrite(store, models, target, device)
    for path in models.iterdir():
        if path.name not in TOWERS:
            shutil.rmtree(path)
            continue
        config = read_config(path / "config.pbtxt")
        spoil(config)
        write_config(path / "config.pbtxt", config)
    with native_server(models, folder / "log", flags, stand_in=False) as server:
        return server.refused()


def _lacks(backend: str) -> str:
    wanted = f"unable to find backend library for backend '{backend}'"
    return f"Invalid argument: {wanted}, try specifying runtime on the model configuration."
