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

from clients.canary import NUMBER, SHARE, SUFFIX
from deploy.configs import CONFIG, Configs, parts, read_config, read_configs, readers
from deploy.errors import CannotSwitch, UnusableRelease
from deploy.store import MEND, Release
from ensemble.versions import is_ensemble, serves

_WARMUP = "warmup"
# Triton wants a version folder of an ensemble too, though it stays empty.
_ENSEMBLE_VERSION = "1"
_INSTEAD = (
    "Start a second server of the new release and move the traffic there (replica blue/green), or stop this one and "
    "start it with `python -m deploy serve --release N`"
)


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
        self.folder, self._cold = folder, cold
        self._held: tuple[Release, ...] = ()
        self.loaded: tuple[int, ...] = (release.number,)
        # Whether parts are being loaded beside the live ones, which may be what the server ends of.
        self.loading = False
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

        A config that is here and serves them all stays as it is, so that the processes of what is live are not touched:
        what else a release changes in it counts from the next start of the server on.

        Returns:
            The models that Triton has to load for it.

        Raises:
            CannotSwitch: They have other models, or no config serves all of them: nothing was changed.
            UnusableRelease: Files of one are missing: nothing was changed.
        """
        held = tuple(sorted(releases, key=lambda release: release.number))
        configs = {release.number: read_configs(release) for release in held}
        _check_same_models(held, configs)
        chosen = {name: self._choose(name, held, configs) for name in parts(configs[held[-1].number])}
        for name in chosen:
            for release in held:
                _check_version(release, name)
        for name, (config, warmup) in chosen.items():
            config.version_policy.specific.versions[:] = [release.number for release in held]
            self._place(name, config, warmup, held)
        self._held = held
        self.loaded = tuple(number for number in self.loaded if number in self.held)
        return list(chosen)

    def pin(self, release: Release) -> list[str]:
        """Have the ensembles answer from a release that is held.

        Returns:
            The models that Triton has to load for it.
        """
        configs = read_configs(release)
        names = [name for name, config in configs.items() if is_ensemble(config)]
        for name in names:
            self._write_ensemble(name, configs[name], release.number)
        self._pinned = release
        return names

    def shadow(self, release: Release, share: float, only: Collection[str] | None = None) -> list[str]:
        """Have ensembles of another name, which do not write, answer from a release that is held.

        Args:
            release: The release.
            share: What their configs tell of the traffic that is meant for them.
            only: The ensembles that are wanted, by their public names; None for all. One that is here is not left as
                it is: it may be what is left of an earlier trial.

        Returns:
            The models that Triton has to load for it.
        """
        configs, here = read_configs(release), self.shadows
        names = [name for name in readers(configs) if only is None or name in only or name + SUFFIX in here]
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

    def _choose(self, name: str, held: Sequence[Release], configs: Mapping[int, Configs]) -> tuple[Any, Path | None]:
        """A config that serves a model of all these releases, and the warm-up data that goes with it.

        Raises:
            CannotSwitch: There is none.
        """
        folder = self.folder / name
        wanted = [configs[release.number][name] for release in held]
        offered = [(configs[release.number][name], _warmup_of(release, name)) for release in reversed(held)]
        if (folder / CONFIG).is_file():
            offered.insert(0, (read_config(folder / CONFIG), _target(folder / _WARMUP)))
        for config, warmup in offered:
            if all(serves(config, other) for other in wanted):
                return config, warmup
        raise CannotSwitch(
            f"releases {_and(held)} cannot stand side by side: `{name}` has other shapes, another backend or other "
            f"files, and versions of a model share them. {_INSTEAD}"
        )

    def _place(self, name: str, config: Any, warmup: Path | None, held: Sequence[Release]) -> None:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        if name in self._cold:
            config.ClearField("model_warmup")
        _link(folder / _WARMUP, warmup)
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

    def _write(self, name: str, config: Any) -> None:
        """Write a config, unless it says the same already: Triton loads anew what has a newer time."""
        path, text = self.folder / name / CONFIG, text_format.MessageToString(config)
        if not path.is_file() or path.read_text("utf-8") != text:
            unfinished = path.with_name(f".{CONFIG}")
            unfinished.write_text(text, "utf-8")
            unfinished.replace(path)


def _check_same_models(held: Sequence[Release], configs: Mapping[int, Configs]) -> None:
    """A name that only one of them has would be gone, or answer from the wrong one, after a switch.

    Raises:
        CannotSwitch: They have other models.
    """
    names: list[set[str]] = [set(configs[release.number]) for release in held]
    odd = sorted(set[str]().union(*names) - names[0].intersection(*names))
    if odd:
        raise CannotSwitch(
            f"releases {_and(held)} cannot stand side by side: only one of them has {', '.join(odd)}. {_INSTEAD}"
        )


def _and(held: Sequence[Release]) -> str:
    return " and ".join(str(release.number) for release in held)


def _check_version(release: Release, name: str) -> None:
    folder = release.models / name / str(release.number)
    if not folder.is_dir():
        raise UnusableRelease(f"{folder} is missing, though release {release.number} has this model. {MEND}")


def _warmup_of(release: Release, name: str) -> Path | None:
    # Releases made before warm-up data was copied have only what the store's repository has.
    places = (release.configs / name / _WARMUP, release.models / name / _WARMUP)
    return next((place for place in places if place.is_dir()), None)


def _target(link: Path) -> Path | None:
    return link.readlink() if link.is_symlink() else None


def _link(link: Path, target: Path | None) -> None:
    if _target(link) == target:
        return
    link.unlink(missing_ok=True)
    if target is not None:
        link.symlink_to(target)
