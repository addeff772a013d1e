"""The repository of one release, as Triton is shown it.

The models of a store's releases share folders, and the configs in them change with the next release that is made. A
server therefore gets a view of its own: the configs of its release, copied, and links to the versions that they name.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from deploy.errors import UnusableRelease
from deploy.store import MEND, Release

CONFIG = "config.pbtxt"
_WARMUP = "warmup"
# Triton wants a version folder of an ensemble too, though it stays empty.
_ENSEMBLE_VERSION = "1"


def lay_out_models(release: Release, view: Path, *, cold: Collection[str] = ()) -> None:
    """Make a repository in ``view`` that stays as it is whatever is released meanwhile.

    Args:
        release: What to serve.
        view: A folder that does not exist yet.
        cold: Models that are not warmed up: Triton does not load one whose warm-up fails.

    Raises:
        UnusableRelease: A config or a version folder is missing, or a config cannot be read; names it.
    """
    for own in sorted(release.configs.iterdir()):
        _lay_out_model(release, own, view / own.name, is_cold=own.name in cold)


def _lay_out_model(release: Release, own: Path, folder: Path, *, is_cold: bool) -> None:
    config = _read(own / CONFIG)
    folder.mkdir(parents=True)
    if is_cold:
        config.ClearField("model_warmup")
        (folder / CONFIG).write_text(text_format.MessageToString(config), "utf-8")
    else:
        shutil.copyfile(own / CONFIG, folder / CONFIG)
    shared = release.models / folder.name
    # Releases made before warm-up data was copied have only what the store's repository has.
    warmup = next((place / _WARMUP for place in (own, shared) if (place / _WARMUP).is_dir()), None)
    if warmup is not None:
        (folder / _WARMUP).symlink_to(warmup)
    if config.platform == "ensemble":
        (folder / _ENSEMBLE_VERSION).mkdir()
        return
    for version in config.version_policy.specific.versions or (release.number,):
        if not (shared / str(version)).is_dir():
            raise UnusableRelease(
                f"{shared / str(version)} is missing, though {own / CONFIG} has this version served. {MEND}"
            )
        (folder / str(version)).symlink_to(shared / str(version))


def _read(path: Path) -> Any:
    try:
        return text_format.Parse(path.read_text("utf-8"), ModelConfig())
    except (OSError, ValueError, text_format.ParseError) as error:
        raise UnusableRelease(f"{path} cannot be read as a model's config: {error}. {MEND}") from error
