"""What is to be evaluated, and what is checked of it before anything is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

from export.errors import BadEvaluation
from export.evaluation.bootstrap import RESAMPLES
from export.evaluation.questions import MAX_BASKET, TASKS
from training.product.recipe import Recipe

# Of the baselines; the extra `evaluate` brings them.
LIBRARIES = ("implicit", "scipy", "threadpoolctl")


@dataclass(frozen=True)
class Order:
    """What is to be evaluated.

    Args:
        events: One event a row; see ``training.product.events``.
        catalogue: Path or URL.
        moment_s: Unix seconds of the split.
        towers: The towers file of the frozen towers.
        out: Folder of figures and plots; under ``work`` what is kept for the next time.
        columns: A TOML file with ``[columns]`` of the catalogue; None for that of the towers file.
        names: The events' own names of their columns.
        tasks: Profiles called ``similar``, ``complement`` and ``inspire``; None for the default ones.
        recipe: Of the tower.
        max_basket: Baskets of more products are not asked about.
        resamples: Of the bootstrap.
    """

    events: Path
    catalogue: str
    moment_s: int
    towers: Path
    out: Path
    columns: Path | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    tasks: Path | None = None
    recipe: Recipe = field(default_factory=Recipe)
    max_basket: int = MAX_BASKET
    resamples: int = RESAMPLES

    def __post_init__(self) -> None:
        for name in ("max_basket", "resamples"):
            if getattr(self, name) < 2:
                raise BadEvaluation(f"{name}: got {getattr(self, name)}, must be at least 2")


def check_libraries() -> None:
    """Whether all is installed that the baselines need.

    Raises:
        BadEvaluation: It is not; names what is missing.
    """
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise BadEvaluation(f"baselines need {', '.join(missing)}: pip install 'tandem[evaluate]'")


def variants_by(tasks: Path | None) -> str:
    """The attribute that variants share: that of the profiles, which must agree.

    Args:
        tasks: See ``Order``.

    Raises:
        BadProfiles: The file is not one of profiles.
        BadEvaluation: A profile is missing, or is of another task than its name says, or they do not agree.
    """
    from ensemble.tasks import Profiles

    by_name = Profiles.load(tasks).by_name
    missing = [task for task in TASKS if task not in by_name]
    if missing:
        raise BadEvaluation(
            f"{tasks}: has no profile called {' or '.join(map(repr, missing))}; {', '.join(TASKS)} are judged, and it "
            f"has {', '.join(by_name)}"
        )
    for task in TASKS:
        if by_name[task].task != task:
            raise BadEvaluation(f"{tasks}: [{task}] has task = {by_name[task].task!r}, must be {task!r} to be judged")
    named = {by_name[task].variants_by for task in TASKS}
    if len(named) > 1:
        raise BadEvaluation(f"{tasks}: `variants_by` must be the same in {', '.join(TASKS)}, got {sorted(named)}")
    return named.pop()


def recipe_of(epochs: int) -> Recipe:
    """The recipe of the tower, with other epochs where they are given; 0 for its own."""
    return replace(Recipe(), epochs=epochs) if epochs else Recipe()
