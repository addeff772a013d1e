"""The repository that one server's Triton reads: a view of some releases of the store.

The models of a store's releases share folders, and the configs in them change with the next release that is made. A
server therefore gets a view of its own: configs of its releases, copied, and links to the versions that it holds. What
it holds, and what the ensembles pin, changes when releases are switched; Triton learns of it when a model is loaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from deploy.errors import CannotSwitch, UnusableRelease
from deploy.store import MEND, Release
from ensemble.versions import is_ensemble, serves

CONFIG = "config.pbtxt"
SUFFIX = "_canary"
SHARE, NUMBER = "canary_share", "canary_release"
_WARMUP = "warmup"
# Triton wants a version folder of an ensemble too, though it stays empty.
_ENSEMBLE_VERSION = "1"

Configs = Mapping[str, Any]


class View:
    """A repository in a folder that does not exist yet; it begins with one release.

    Args:
        folder: The repository.
        release: What its ensembles pin.
        cold: Models that are not warmed up: Triton does not load one whose warm-up fails.

    Raises:
        UnusableRelease: A config or a version folder is missing, or a config cannot be read; names it.
    """

    def __init__(self, folder: Path, release: Release, *, cold: Collection[str] = ()) -> None:
        self.folder, self._cold, self._pinned = folder, cold, release
        self._held: tuple[Release, ...] = ()
        self.loaded: tuple[int, ...] = (release.number,)
        self.hold([release])
        self.pin(release)

    @property
    def held(self) -> tuple[int, ...]:
        """Numbers of the releases whose parts are here, ascending; Triton may still be loading them: see ``loaded``."""
        return tuple(release.number for release in self._held)

    @property
    def pinned(self) -> Release:
        """The release that the ensembles answer from."""
        return self._pinned

    @property
    def shadows(self) -> list[str]:
        """The ensembles of another name that are here."""
        return sorted(path.name for path in self.folder.glob(f"*{SUFFIX}"))

    def hold(self, releases: Sequence[Release]) -> list[str]:
        """Have the parts of these releases here, and no others.

        Returns:
            The models that Triton has to load for it.

        Raises:
            CannotSwitch: No config serves all of them: nothing was changed.
            UnusableRelease: Files of one are missing: nothing was changed.
        """
        held = tuple(sorted(releases, key=lambda release: release.number))
        configs = {release.number: read_configs(release) for release in held}
        shared = {name: shared_config(name, held, configs) for name in parts(configs[held[-1].number])}
        for name in shared:
            for release in held:
                _check_version(release, name)
        direct = asked_directly(configs[held[-1].number])
        for name, (config, owner) in shared.items():
            # Who names no version gets the highest: of what is asked by its own name only one is to be had.
            versions = [self._pinned] if name in direct else held
            config.version_policy.specific.versions[:] = [release.number for release in versions]
            self._place(name, config, owner, held)
        self._held = held
        self.loaded = tuple(number for number in self.loaded if number in self.held)
        return list(shared)

    def pin(self, release: Release) -> list[str]:
        """Have the ensembles, and the models that are asked directly, answer from a release that is held.

        Returns:
            The models that Triton has to load for it, in the order that it should.
        """
        configs = read_configs(release)
        ensembles = [name for name, config in configs.items() if is_ensemble(config)]
        for name in ensembles:
            self._write_ensemble(name, configs[name], release.number)
        direct = asked_directly(configs)
        for name in direct:
            config = self._read(name)
            config.version_policy.specific.versions[:] = [release.number]
            self._write(name, config)
        self._pinned = release
        return [*ensembles, *direct]

    def shadow(self, release: Release, share: float) -> list[str]:
        """Have ensembles of another name, which do not write, answer from a release that is held.

        Returns:
            The models that Triton has to load for it.
        """
        configs = read_configs(release)
        names = readers(configs)
        for name in names:
            config = configs[name]
            config.name = name + SUFFIX
            config.parameters[SHARE].string_value = f"{share:g}"
            config.parameters[NUMBER].string_value = str(release.number)
            self._write_ensemble(config.name, config, release.number)
        return [name + SUFFIX for name in names]

    def unshadow(self) -> None:
        """Have them no more, once Triton has let go of them."""
        for name in self.shadows:
            shutil.rmtree(self.folder / name)

    def _place(self, name: str, config: Any, owner: Release, held: Sequence[Release]) -> None:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        if name in self._cold:
            config.ClearField("model_warmup")
        _link(folder / _WARMUP, _warmup_of(owner, name))
        for release in held:
            _link(folder / str(release.number), release.models / name / str(release.number))
        self._write(name, config)
        # Versions that are no longer named go last: Triton may be reading the folder for a repair.
        kept = {str(release.number) for release in held}
        for link in folder.iterdir():
            if link.name.isdigit() and link.name not in kept:
                link.unlink()

    def _write_ensemble(self, name: str, config: Any, release: int) -> None:
        for step in config.ensemble_scheduling.step:
            step.model_version = release
        (self.folder / name / _ENSEMBLE_VERSION).mkdir(parents=True, exist_ok=True)
        self._write(name, config)

    def _read(self, name: str) -> Any:
        return text_format.Parse((self.folder / name / CONFIG).read_text("utf-8"), ModelConfig())

    def _write(self, name: str, config: Any) -> None:
        """Write a config, unless it says the same already: Triton loads anew what has a newer time."""
        path, text = self.folder / name / CONFIG, text_format.MessageToString(config)
        if not path.is_file() or path.read_text("utf-8") != text:
            unfinished = path.with_name(f".{CONFIG}")
            unfinished.write_text(text, "utf-8")
            unfinished.replace(path)


def lay_out_models(release: Release, view: Path, *, cold: Collection[str] = ()) -> View:
    """A view of one release; see ``View``."""
    return View(view, release, cold=cold)


def read_configs(release: Release) -> dict[str, Any]:
    """The configs of a release by model.

    Raises:
        UnusableRelease: One cannot be read.
    """
    return {own.name: _read_config(own / CONFIG) for own in sorted(release.configs.iterdir())}


def parts(configs: Configs) -> list[str]:
    """Models that are no ensembles."""
    return [name for name, config in configs.items() if not is_ensemble(config)]


def asked_directly(configs: Configs) -> list[str]:
    """Models that no ensemble runs, so that callers ask them by their own name."""
    steps = {step.model_name for config in configs.values() for step in config.ensemble_scheduling.step}
    return [name for name in parts(configs) if name not in steps]


def readers(configs: Configs) -> list[str]:
    """Ensembles that write nothing: none of their parts is one that only ``upsert_product`` has."""
    return [name for name, config in configs.items() if is_ensemble(config) and not _writes(config)]


def shared_config(name: str, held: Sequence[Release], configs: Mapping[int, Configs]) -> tuple[Any, Release]:
    """The config that serves a model of all these releases, and the release whose it is: the newest that can.

    Raises:
        CannotSwitch: None does.
    """
    for owner in reversed(held):
        config = configs[owner.number].get(name)
        others = [configs[release.number].get(name) for release in held]
        if config is not None and all(other is not None and serves(config, other) for other in others):
            return config, owner
    numbers = " and ".join(str(release.number) for release in held)
    raise CannotSwitch(
        f"releases {numbers} cannot stand side by side: `{name}` has other shapes, another backend or other files, and "
        "versions of a model share them. Start a second server of the new release and move the traffic there "
        "(replica blue/green), or stop this one and start it with `python -m deploy serve --release N`"
    )


def _writes(config: Any) -> bool:
    return any(step.model_name == "commit_product" for step in config.ensemble_scheduling.step)


def _check_version(release: Release, name: str) -> None:
    folder = release.models / name / str(release.number)
    if not folder.is_dir():
        raise UnusableRelease(f"{folder} is missing, though release {release.number} has this model. {MEND}")


def _warmup_of(release: Release, name: str) -> Path | None:
    # Releases made before warm-up data was copied have only what the store's repository has.
    places = (release.configs / name / _WARMUP, release.models / name / _WARMUP)
    return next((place for place in places if place.is_dir()), None)


def _link(link: Path, target: Path | None) -> None:
    if target is None:
        link.unlink(missing_ok=True)
    elif not link.is_symlink():
        link.symlink_to(target)
    elif link.readlink() != target:
        link.unlink()
        link.symlink_to(target)


def _read_config(path: Path) -> Any:
    try:
        return text_format.Parse(path.read_text("utf-8"), ModelConfig())
    except (OSError, ValueError, text_format.ParseError) as error:
        raise UnusableRelease(f"{path} cannot be read as a model's config: {error}. {MEND}") from error
