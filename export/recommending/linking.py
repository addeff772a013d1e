"""A release as the beginning of the next one: the same files under its number, by hard links where there are any."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from ensemble.release import release_folder
from ensemble.versions import is_ensemble
from export.configs import CONFIG, read_config, write_config
from export.repository import ENSEMBLE_VERSION, WARMUP, copy_shared, unchanged_before, version_folder
from export.store import Staging


def link_release(stage: Staging, release: int) -> dict[str, Any]:
    """Stage the models of a release, and its own folder, under the number that is being made.

    Args:
        stage: Of the release to be.
        release: The one that it begins as; whole.

    Returns:
        The configs by model, as they were written.
    """
    own = release_folder(stage.store, release)
    configs = {path.parent.name: read_config(path) for path in sorted((own / "models").glob(f"*/{CONFIG}"))}
    _pin(configs, stage.release, unchanged_before(stage.store, configs, stage.release))
    for name, config in configs.items():
        folder = stage.models / name
        if is_ensemble(config):
            (folder / ENSEMBLE_VERSION).mkdir(parents=True)
        else:
            link_all(version_folder(stage.store / "models", name, release), folder / str(stage.release))
        write_config(folder / CONFIG, config)
        if (own / "models" / name / WARMUP).is_dir():
            shutil.copytree(own / "models" / name / WARMUP, folder / WARMUP)
    copy_shared(stage.models, stage.folder / "models")
    for path in own.iterdir():
        if path.is_dir() and path.name != "models":
            link_all(path, stage.folder / path.name)
        elif path.is_file():
            link(path, stage.folder / path.name)
    return configs


def link_all(source: Path, target: Path) -> None:
    """Make a folder of the same files."""
    shutil.copytree(source, target, copy_function=link)


def link(source: str | Path, target: str | Path) -> None:
    """Make a hard link, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _pin(configs: dict[str, Any], release: int, kept: int | None) -> None:
    """Have parts loaded in the versions that may be, and ensembles ask the new one."""
    for config in configs.values():
        if is_ensemble(config):
            for step in config.ensemble_scheduling.step:
                step.model_version = release
        else:
            config.version_policy.specific.versions[:] = [release] if kept is None else [kept, release]
