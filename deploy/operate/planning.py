"""Which releases of a store nobody needs any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.configs import read_configs
from deploy.errors import CannotSwitch, NoRelease, SwitchBusy
from deploy.operate.removing import Remover
from deploy.store import find_live, find_release
from deploy.switching.values import Status
from ensemble.errors import DamagedRelease
from ensemble.release import Manifest, manifest_path, releases

Served = Callable[[], Status | None]
"""What the running server answers from; None where none runs."""


@dataclass(frozen=True)
class Plan:
    """What is to be removed.

    Args:
        remove: The releases, oldest first.
        keep: The others, each with the reason.
        freed: Bytes that removing frees.
        spaces: Ids of vector spaces that the first have and none of the others has: their rows stay in the catalogue's
            database.
    """

    remove: tuple[int, ...]
    keep: Mapping[int, str]
    freed: int
    spaces: tuple[str, ...]


def plan_pruning(store: Path, keep: int, served: Served) -> Plan:
    """Choose what is removed: all but the newest ``keep`` and what is needed.

    Args:
        store: The store.
        keep: How many of the newest stay, at least 1.
        served: What is served.

    Raises:
        CannotSwitch: ``keep`` is below 1, nobody can tell what is live, or a folder of the store is a link.
        SwitchBusy: Releases are being switched.
    """
    if keep < 1:
        raise CannotSwitch(f"`keep` must be at least 1, got {keep}")
    remover, numbers = Remover(store), releases(store)
    newest = numbers[-keep:]
    needs = needed(store, served)
    reasons = dict.fromkeys(newest, f"one of the newest {keep}")
    reasons |= dict.fromkeys(
        _served_by_the_newest(store, numbers) - set(newest), "the newest release's configs name it"
    )
    reasons |= needs
    removed = tuple(number for number in numbers if number not in reasons)
    kept = {number: reasons[number] for number in numbers if number in reasons}
    freed = sum(map(remover.bytes_of, removed))
    return Plan(removed, kept, freed, tuple(sorted(_spaces(store, removed) - _spaces(store, kept))))


def needed(store: Path, served: Served) -> dict[int, str]:
    """Releases that a server answers from or could go back to, each with the reason.

    Raises:
        CannotSwitch: Nobody can tell what is live.
        SwitchBusy: Releases are being switched.
    """
    status = served()
    if status is not None and status.switching is not None:
        raise SwitchBusy(f"the server is busy ({status.switching}): wait for it")
    try:
        live = find_live(store)
    except NoRelease as error:
        raise CannotSwitch(str(error)) from error
    found: dict[int | None, str] = {}
    if status is not None:
        found |= dict.fromkeys(status.loaded, "loaded")
        found |= {} if status.canary is None else {status.canary.release: "on trial"}
        found |= {status.previous: "previous", status.live: "live"}
    # What the next start serves: a server may have been started with another release.
    found = {live.previous: "previous", live.release: "live"} | found
    return {number: reason for number, reason in found.items() if number is not None}


def _served_by_the_newest(store: Path, numbers: Collection[int]) -> set[int]:
    """Versions that a Triton over the store's own repository loads, whose configs are those of the newest release."""
    try:
        configs = read_configs(find_release(store, max(numbers, default=0)))
    except NoRelease:
        return set()
    return {int(version) for config in configs.values() for version in config.version_policy.specific.versions}


def _spaces(store: Path, numbers: Collection[int]) -> set[str]:
    found = set()
    for number in numbers:
        try:
            found.add(Manifest.load(manifest_path(store, number)).space_id)
        except DamagedRelease:
            continue
    return found
