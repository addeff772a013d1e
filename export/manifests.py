"""Writes down what a release is: its inputs, outputs, figures and steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ensemble.hashing import sha256
from ensemble.release import Manifest
from ensemble.settings import SpaceSettings
from export.check import Agreement
from export.checking import CheckedCatalogue
from export.decisions import Decision
from export.identity import files_of, inputs_of, versions
from export.order import Order, Plans
from export.origin import State
from export.steps import Recorder
from export.store import Staging
from export.targets import TEXT, VISION


@dataclass(frozen=True)
class Made:
    """What the steps of a release gave.

    Args:
        checked: Its products.
        agreements: By model: how far the FP32 graph is from its source.
        decisions: By model: the graph that serves.
        space: How queries meet rows.
        notes: What someone who switches to this release must know.
    """

    checked: CheckedCatalogue
    agreements: Mapping[str, Agreement]
    decisions: Mapping[str, Decision]
    space: SpaceSettings
    notes: Sequence[str]


def make_manifest(order: Order, plans: Plans, stage: Staging, recorder: Recorder, made: Made, state: State) -> Manifest:
    """The record of a release whose files are all in place.

    Args:
        order: What was to be released.
        plans: The towers.
        stage: Where the files are.
        recorder: The steps so far; this is the last.
        made: What they gave.
        state: The state of the catalogue that the index is of.
    """
    with recorder.step("manifest") as step:
        files = files_of(stage)
        outputs = {name: sha256(path) for name, path in files.items()}
        step.figures["files"] = len(files)
        step.figures["bytes"] = sum(path.stat().st_size for path in files.values())
    return Manifest(
        release=stage.release,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        target=order.target,
        space_id=made.space.space_id,
        inputs=inputs_of(order, plans, made.checked),
        outputs=outputs,
        versions=versions(),
        figures=_figures(made),
        steps=tuple(recorder.steps),
        notes=(*made.notes, *(f"{model}: {one.fell_back}" for model, one in made.decisions.items() if one.fell_back)),
        towers={model.removesuffix("_tower"): decision.as_dict() for model, decision in made.decisions.items()},
        catalogue={"id": state.catalogue_id, "database": state.database, "seq": state.seq},
    )


def _figures(made: Made) -> dict[str, str | int | float | bool]:
    return {
        "products": len(made.checked.catalogue.products),
        "pictures": made.checked.pictures_count,
        "skipped_rows": made.checked.catalogue.skipped_rows,
        "text_dim": made.space.text_dim,
        "image_dim": made.space.image_dim,
        "text_max_abs_diff": made.agreements[TEXT].max_abs_diff,
        "image_max_abs_diff": made.agreements[VISION].max_abs_diff,
    }
