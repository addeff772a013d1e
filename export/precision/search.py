"""Makes every candidate of a tower."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import onnx

from ensemble.hashing import sha256
from export.errors import BadSource, PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.candidates import Candidate
from export.precision.recipes import Recipe

SOURCE = "source"
LIST = "candidates.json"


@dataclass(frozen=True)
class Candidates:
    """What came of the recipes.

    Args:
        made: The FP32 graph first.
        failed: Why, by name, where a recipe could not be carried out.
    """

    made: tuple[Candidate, ...]
    failed: Mapping[str, str]


def make_candidates(
    graph: Path,
    recipes: Sequence[Recipe],
    calibrate: Callable[[], Calibration],
    folder: Path,
    advance: Callable[[int], None],
) -> None:
    """Write the FP32 graph and one graph a recipe into a folder, and a list of them.

    Recipes that have nothing to work on are left out, and so are those that make the same graph as one before.

    Args:
        graph: The FP32 graph.
        recipes: To be tried.
        calibrate: Gives real inputs; asked for where there is a recipe.
        folder: Where they go.
        advance: Told of each recipe that is done.
    """
    shutil.copyfile(graph, folder / f"fp32-{SOURCE}.onnx")
    listed, failed, known = [("fp32", SOURCE)], {}, set()
    source, calibration = onnx.load(graph), calibrate() if recipes else None
    for recipe in recipes:
        path = folder / f"{recipe.precision}-{recipe.name}.onnx"
        try:
            made = recipe.make(source, cast("Calibration", calibration))
        except (PrecisionFailed, BadSource) as error:
            made, failed[path.stem] = None, str(error)
        advance(1)
        if made is None:
            continue
        onnx.save_model(made, str(path))
        digest = sha256(path)
        if digest in known:
            path.unlink()
            continue
        known.add(digest)
        listed.append((recipe.precision, recipe.name))
    (folder / LIST).write_text(json.dumps({"made": listed, "failed": failed}, indent=2), "utf-8")


def read_candidates(folder: Path) -> Candidates:
    """What ``make_candidates`` wrote."""
    content = json.loads((folder / LIST).read_text("utf-8"))
    made = tuple(
        Candidate(precision, recipe, folder / f"{precision}-{recipe}.onnx") for precision, recipe in content["made"]
    )
    return Candidates(made, content["failed"])
