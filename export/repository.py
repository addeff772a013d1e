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
from ensemble.versions import is_ensemble, serves
from export.configs import CONFIG, Facts, fill, read_config, write_config
from export.errors import BadSource
from export.targets import CPU, GRAPH, TOWERS
from export.targets.filling import files_of
from export.targets.flags import server_flags
from export.targets.graph_check import check_graph

SOURCE = Path(__file__).resolve().parent.parent / "model_repository"
WARMUP = "warmup"
FLAGS = "tritonserver.flags"
# Triton wants a version folder of an ensemble too, though it stays empty.
ENSEMBLE_VERSION = "1"

SHAPES_CHANGED = (
    "Shapes or backends of {} differ from release {}, and versions of a model share them: only release {} is loaded. "
    "Roll replicas instead of switching in place."
)

Settings = TextSettings | ImageSettings | ProductSettings | SpaceSettings


def version_folder(models: Path, model: str, release: int) -> Path:
    """Folder of one version of a model."""
    return models / model / str(release)


def write_graph(models: Path, model: str, release: int, graph: onnx.ModelProto) -> Path:
    """Write a tower's ``model.onnx``; returns its path."""
    path = version_folder(models, model, release) / GRAPH
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save_model(graph, str(path))
    return path


def place_graph(models: Path, model: str, release: int, graph: Path) -> Path:
    """Copy a finished graph to a tower's place, over one that is there; returns its path."""
    path = version_folder(models, model, release) / GRAPH
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(graph, path)
    return path


def reference_graph(folder: Path, model: str) -> Path:
    """Where a release's own folder has the FP32 graph of a tower that serves in another precision."""
    return folder / "fp32" / f"{model}.onnx"


def keep_reference(folder: Path, model: str, graph: Path) -> None:
    """Keep the FP32 graph of a tower, so that what is served can be compared with it later."""
    path = reference_graph(folder, model)
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(graph, path)


def keep(folder: Path, files: Mapping[str, Path]) -> None:
    """Copy files, by the names that they shall have, into a folder that is made where there are any."""
    for name, path in files.items():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)


def write_settings(models: Path, release: int, sections: Mapping[str, Settings], tokenizer: Path) -> None:
    """Write ``settings.json``, and the tokenizer, beside each model that reads them."""
    wanted = {
        "text_preprocess": ("text",),
        "image_preprocess": ("image",),
        "product_preprocess": ("text", "image", "product"),
        "retrieve": ("space",),
        "commit_product": ("space", "product"),
        "commit_patch": ("space", "product"),
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

    Versions of a model share one config, so a release that changes a shape or the backend cannot stand beside the one
    before it.
    """
    if not _all_there(store, configs, facts.release - 1):
        return None, []
    changed = _changed(store, {name: fill(config, facts) for name, config in configs.items()})
    return (None if changed else facts.release - 1), changed


def is_of_shapes(note: str) -> bool:
    """Whether a note of a release is about the one before it, and no other."""
    return note.startswith(SHAPES_CHANGED.split("{}", maxsplit=1)[0])


def unchanged_before(store: Path, filled: Mapping[str, Any], release: int) -> int | None:
    """The version before a release of these finished configs, where all its models can stay loaded."""
    there = _all_there(store, filled, release - 1)
    return release - 1 if there and not _changed(store, filled) else None


def _all_there(store: Path, configs: Mapping[str, Any], release: int) -> bool:
    return all(version_folder(store / "models", name, release).is_dir() for name in _serving(configs))


def _changed(store: Path, filled: Mapping[str, Any]) -> list[str]:
    """Models that the configs of the store's newest release do not serve."""
    models = store / "models"
    return [name for name in _serving(filled) if not serves(filled[name], read_config(models / name / CONFIG))]


def _serving(configs: Mapping[str, Any]) -> list[str]:
    return [name for name, config in configs.items() if not is_ensemble(config)]


def copy_shared(models: Path, folder: Path) -> None:
    """Copy configs and warm-up data to the release's own folder: those in the repository change with the next one."""
    for path in models.glob(f"*/{CONFIG}"):
        own = folder / path.parent.name
        own.mkdir(parents=True)
        shutil.copyfile(path, own / CONFIG)
        if (path.parent / WARMUP).is_dir():
            shutil.copytree(path.parent / WARMUP, own / WARMUP)


def write_models(models: Path, configs: Mapping[str, Any], facts: Facts, source: Path = SOURCE) -> None:
    """Write config, code and warm-up data of every model; what Triton itself runs is checked and needs no code.

    Python's compiled files are made here: were the server to make them, it would take the changed folder for a changed
    model and load it anew.

    Raises:
        BadSource: A tower's graph or engine is missing, or its tensors are not those of its config.
    """
    for name, config in configs.items():
        folder = models / name
        version = folder / (ENSEMBLE_VERSION if is_ensemble(config) else str(facts.release))
        version.mkdir(parents=True, exist_ok=True)
        filled = fill(config, facts)
        write_config(folder / CONFIG, filled)
        code = source / name / "1" / "model.py"
        if name in TOWERS and facts.target != CPU:
            _check_files(version, filled, facts.target)
        elif code.is_file():
            shutil.copyfile(code, version / code.name)
            mode = py_compile.PycInvalidationMode.CHECKED_HASH
            compileall.compile_dir(version, ddir=f"{name}/{facts.release}", quiet=1, invalidation_mode=mode)
        if (source / name / WARMUP).is_dir():
            shutil.copytree(source / name / WARMUP, folder / WARMUP)


def write_flags(folder: Path, configs: Mapping[str, Any], facts: Facts, *, version_compatible: bool = False) -> None:
    """Write the flags that Triton must be started with, one a line; the embedded server of ``cpu`` has its own.

    Args:
        folder: The release's own.
        configs: Source configs.
        facts: Of the release.
        version_compatible: Whether an engine was built to run with newer TensorRT.
    """
    if facts.target != CPU:
        towers = [fill(configs[name], facts) for name in TOWERS]
        flags = server_flags(towers, version_compatible=version_compatible)
        (folder / FLAGS).write_text("\n".join(flags) + "\n", "utf-8")


def _check_files(version: Path, config: Any, target: str) -> None:
    missing = [name for name in (GRAPH, *files_of(config)) if not (version / name).is_file()]
    if missing:
        raise BadSource(f"{version}: no {', '.join(missing)}, which target {target} needs")
    check_graph(config, onnx.load(version / GRAPH, load_external_data=False), target)
