"""Releases a release again with other task profiles: the same files, and nothing is trained, built or embedded."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256
from ensemble.recommending import still_recommender
from ensemble.release import MANIFEST, Manifest, Step, manifest_path, release_folder, releases
from ensemble.tasks import Profiles
from ensemble.tasks.names import TASKS
from export.errors import NoSuchRelease
from export.identity import files_of
from export.recommending.folder import write_tasks
from export.recommending.linking import link_release
from export.recommending.probing import MODEL, recommend_request
from export.repository import is_of_shapes
from export.store import Staging, move_models, move_release, moving, staging, uninterrupted
from export.targets import RECOMMENDER

PROBE = Path("probe") / "probe.json"
STEP = "tasks"


def release_tasks(store: Path, tasks: Path, release: int | None = None) -> Manifest:
    """Make the next release of a store: an earlier one with other task profiles.

    When anything fails, what the store serves is as it was before.

    Args:
        store: The store.
        tasks: ``tasks.toml``.
        release: The earlier one; None for the newest.

    Raises:
        BadProfiles: The profiles are not valid, or ask for what the catalogue does not have; lists every problem.
        NoSuchRelease: There is no such release, or it recommends nothing.
        StoreBusy: Another export works in this store.
    """
    begun = time.perf_counter()
    profiles = Profiles.load(tasks)
    with staging(store) as stage:
        before = _manifest(store, _whole(store, release))
        _check_complete(store, before)
        link_release(stage, before.release)
        folder = stage.models / RECOMMENDER / str(stage.release)
        write_tasks(folder, tasks, still_recommender(folder).index.slots.columns)
        _write_probe(stage, folder)
        (stage.folder / MANIFEST).unlink()
        figures = {"from": before.release, "profiles": len(profiles.by_name)}
        step = Step(STEP, round(time.perf_counter() - begun, 3), figures)
        manifest = _again(stage, before, tasks, step)
        manifest.save(stage.folder / MANIFEST)
        with moving(stage) as moves:
            move_models(stage, moves)
            with uninterrupted():
                move_release(stage, moves)
    return manifest


def _whole(store: Path, release: int | None) -> int:
    """The number of an earlier release that is whole."""
    numbers = [number for number in releases(store) if manifest_path(store, number).is_file()]
    if not numbers or release not in (None, *numbers):
        there = ", ".join(map(str, numbers)) or "none; make one with `python -m export release`"
        raise NoSuchRelease(f"{store} holds no release{'' if release is None else f' {release}'}; there are: {there}")
    return numbers[-1] if release is None else release


def _manifest(store: Path, release: int) -> Manifest:
    try:
        return Manifest.load(manifest_path(store, release))
    except DamagedRelease as error:
        raise NoSuchRelease(str(error)) from error


def _check_complete(store: Path, manifest: Manifest) -> None:
    """What is missing would be missing from the new release too; contents are compared when it is switched to."""
    if not any(name.startswith(f"models/{RECOMMENDER}/") for name in manifest.outputs):
        raise NoSuchRelease(
            f"release {manifest.release} recommends nothing, so that it has no tasks; make a new one with "
            "`python -m export release`"
        )
    missing = [name for name in manifest.outputs if not (store / name).is_file()]
    if missing:
        raise NoSuchRelease(f"release {manifest.release} is not whole: {store / missing[0]} is missing")


def _write_probe(stage: Staging, folder: Path) -> None:
    """What the new profiles answer, in place of what the former ones did."""
    path = stage.folder / PROBE
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    others = [request for request in content["requests"] if request["model"] != MODEL]
    asked = [request["inputs"]["PRODUCT_ID"][0] for request in content["requests"] if request["model"] == MODEL]
    content["requests"] = [*others, recommend_request(folder, asked)]
    path.unlink()
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _again(stage: Staging, before: Manifest, tasks: Path, step: Step) -> Manifest:
    """The record of the new release."""
    path = manifest_path(stage.store, before.release)
    inputs = {
        **before.inputs,
        "from": {"path": str(path), "sha256": sha256(path)},
        "recommend.tasks": {"path": str(tasks), "sha256": sha256(tasks)},
    }
    return replace(
        before,
        release=stage.release,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        inputs=inputs,
        outputs=_outputs(stage, before),
        figures={**before.figures, "from": before.release},
        steps=(step,),
        notes=tuple(note for note in before.notes if not is_of_shapes(note)),
    )


def _outputs(stage: Staging, before: Manifest) -> Mapping[str, str]:
    """Hashes of all files; those of linked ones are known."""
    known = {_renumbered(name, before.release, stage.release): digest for name, digest in before.outputs.items()}
    fresh = (f"/{TASKS}", f"/{PROBE}", "/config.pbtxt")
    return {
        name: known[name] if name in known and not name.endswith(fresh) else sha256(path)
        for name, path in files_of(stage).items()
    }


def _renumbered(name: str, release: int, becomes: int) -> str:
    """The path of an output in another release: ``models/NAME/N/...`` or ``releases/NNNN/...``."""
    old, new = str(release_folder(Path(), release)), str(release_folder(Path(), becomes))
    if name.startswith(f"{old}/"):
        return new + name.removeprefix(old)
    models, model, _, rest = name.split("/", 3)
    return f"{models}/{model}/{becomes}/{rest}"
