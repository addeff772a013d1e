"""Writes the models of a release into a staging folder, laid out as Triton's repository."""

from __future__ import annotations

import compileall
import py_compile
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from ensemble.settings import ImageSettings, ProductSettings, SpaceSettings, TextSettings, write
from export.configs import CONFIG, Facts, fill, is_ensemble, read_config, serves, write_config

SOURCE = Path(__file__).resolve().parent.parent / "model_repository"
WARMUP = "warmup"
# Triton wants a version folder of an ensemble too, though it stays empty.
ENSEMBLE_VERSION = "1"

Settings = TextSettings | ImageSettings | ProductSettings | SpaceSettings


def version_folder(models: Path, model: str, release: int) -> Path:
    """Folder of one version of a model."""
    return models / model / str(release)


def write_graph(models: Path, model: str, release: int, graph: onnx.ModelProto) -> Path:
    """Write a tower's ``model.onnx``; returns its path."""
    path = version_folder(models, model, release) / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save_model(graph, str(path))
    return path


def write_settings(models: Path, release: int, sections: Mapping[str, Settings], tokenizer: Path) -> None:
    """Write ``settings.json``, and the tokenizer, beside each model that reads them."""
    wanted = {
        "text_preprocess": ("text",),
        "image_preprocess": ("image",),
        "product_preprocess": ("text", "image", "product"),
        "retrieve": ("space",),
    }
    for model, names in wanted.items():
        folder = version_folder(models, model, release)
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "settings.json", **{name: sections[name] for name in names})
        if "text" in names:
            shutil.copyfile(tokenizer, folder / "tokenizer.json")


def source_configs(source: Path = SOURCE) -> dict[str, Any]:
    """Every model of ``model_repository/`` with its parsed config.

    Raises:
        BadSource: A config cannot be parsed.
    """
    return {path.parent.name: read_config(path) for path in sorted(source.glob(f"*/{CONFIG}"))}


def version_to_keep(store: Path, configs: Mapping[str, Any], facts: Facts) -> tuple[int | None, list[str]]:
    """The version before this release, where all its models can stay loaded; and those whose shapes forbid it.

    Versions of a model share one config, so a release that changes a shape cannot stand beside the one before it.
    """
    models = store / "models"
    serving = [name for name, config in configs.items() if not is_ensemble(config)]
    before = facts.release - 1
    if not all(version_folder(models, name, before).is_dir() for name in serving):
        return None, []
    changed = [name for name in serving if not serves(fill(configs[name], facts), read_config(models / name / CONFIG))]
    return (None if changed else before), changed


def copy_shared(models: Path, folder: Path) -> None:
    """Copy configs and warm-up data to the release's own folder: those in the repository change with the next one."""
    for path in models.glob(f"*/{CONFIG}"):
        own = folder / path.parent.name
        own.mkdir(parents=True)
        shutil.copyfile(path, own / CONFIG)
        if (path.parent / WARMUP).is_dir():
            shutil.copytree(path.parent / WARMUP, own / WARMUP)


def write_models(models: Path, configs: Mapping[str, Any], facts: Facts, source: Path = SOURCE) -> None:
    """Write config, code and warm-up data of every model.

    Python's compiled files are made here: were the server to make them, it would take the changed folder for a changed
    model and load it anew.
    """
    for name, config in configs.items():
        folder = models / name
        version = folder / (ENSEMBLE_VERSION if is_ensemble(config) else str(facts.release))
        version.mkdir(parents=True, exist_ok=True)
        write_config(folder / CONFIG, fill(config, facts))
        code = source / name / "1" / "model.py"
        if code.is_file():
            shutil.copyfile(code, version / code.name)
            mode = py_compile.PycInvalidationMode.CHECKED_HASH
            compileall.compile_dir(version, ddir=f"{name}/{facts.release}", quiet=1, invalidation_mode=mode)
        if (source / name / WARMUP).is_dir():
            shutil.copytree(source / name / WARMUP, folder / WARMUP)
