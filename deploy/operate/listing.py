"""The releases of a store as people choose between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.audit import Entry
from deploy.switching.values import Status
from ensemble.errors import DamagedRelease
from ensemble.release import Manifest, manifest_path, releases

_SWITCHES = ("activate", "canary", "rollback")


@dataclass(frozen=True)
class Listed:
    """One release.

    Args:
        number: Its number.
        created: When, ISO 8601, UTC; empty where its manifest cannot be read.
        towers: What its towers run on and the precision of each, such as ``cpu: text int8, vision fp32``.
        products: How many its index had when it was made; None where that is not known.
        states: What it is now, the weightiest first: ``live``, ``previous``, ``canary 10%``, ``loaded``, ``failed``
            (the last switch to it went wrong), ``damaged`` (files are missing).
    """

    number: int
    created: str
    towers: str
    products: int | None
    states: tuple[str, ...]


def list_releases(store: Path, status: Status | None, entries: Sequence[Entry]) -> list[Listed]:
    """All releases of a store, oldest first.

    Args:
        store: The store.
        status: What is served; None where that is not known.
        entries: The audit log.
    """
    return [_listed(store, number, status, entries) for number in releases(store)]


def failed(release: int, entries: Sequence[Entry]) -> bool:
    """Whether the last switch to a release went wrong."""
    outcomes = [one.outcome for one in entries if one.after == release and one.action in _SWITCHES]
    judged = [outcome for outcome in outcomes if outcome != "refused"]
    return bool(judged) and judged[-1] == "failed"


def _listed(store: Path, number: int, status: Status | None, entries: Sequence[Entry]) -> Listed:
    states = [] if status is None else _served_states(number, status)
    if failed(number, entries):
        states.append("failed")
    try:
        manifest = Manifest.load(manifest_path(store, number))
    except DamagedRelease:
        return Listed(number, "", "", None, (*states, "damaged"))
    if not all((store / name).is_file() for name in manifest.outputs):
        states.append("damaged")
    products = manifest.figures.get("products")
    return Listed(
        number,
        manifest.created,
        _towers(manifest),
        int(products) if isinstance(products, int) else None,
        tuple(states),
    )


def _served_states(number: int, status: Status) -> list[str]:
    states = ["live"] if number == status.live else []
    if number == status.previous:
        states.append("previous")
    if status.canary is not None and number == status.canary.release:
        states.append(f"canary {100 * status.canary.share:.4g}%")
    if number in status.loaded and number != status.live:
        states.append("loaded")
    return states


def _towers(manifest: Manifest) -> str:
    """Releases made before precisions were chosen tell the target alone."""
    chosen = [f"{name} {tower['chosen']}" for name, tower in manifest.towers.items() if "chosen" in tower]
    return f"{manifest.target}: {', '.join(chosen)}" if chosen else manifest.target
