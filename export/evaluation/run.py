"""A whole evaluation: read, split, learn, ask, compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from export.errors import BadEvaluation
from export.evaluation.baselines.table import Baselines
from export.evaluation.bootstrap import RESAMPLES
from export.evaluation.embedding import Embedded, embedded
from export.evaluation.goals import Goal, goals, ours
from export.evaluation.knobs import Knobbed, turned
from export.evaluation.learned import Making, recommender_of
from export.evaluation.measuring import Judge, Measured
from export.evaluation.models import Model
from export.evaluation.questions import INSPIRE, MAX_BASKET, SIMILAR, TASKS, Question, questions
from export.evaluation.served import Clock, Served
from export.evaluation.shop import ALL, Shop
from export.evaluation.split import read_split
from export.identity import versions
from export.machine import machine
from training.errors import TrainingError
from training.product.recipe import Recipe

# Of the baselines; the extra `evaluate` brings them.
LIBRARIES = ("implicit", "scipy", "threadpoolctl")

Questions = Mapping[str, Mapping[str, Sequence[Question]]]


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


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Args:
        measured: Every model in every slice of every task.
        goals: What was to be reached.
        knobbed: ``inspire`` with other values of its knobs; empty where customers are not known.
        similar: What these are compared with; None where they are empty.
        facts: Of the data, the recipe and the machine.
    """

    measured: Sequence[Measured]
    goals: Sequence[Goal]
    knobbed: Sequence[Knobbed]
    similar: Knobbed | None
    facts: Mapping[str, Any]


def evaluate(order: Order, progress: Progress, console: Console | None = None) -> Evaluation:
    """Evaluate the three tasks.

    Args:
        order: What is to be evaluated.
        progress: Where steps are shown.
        console: Shows the training; None to show nothing.

    Raises:
        BadEvents: The events cannot be used.
        Leak: Something that was learned has seen the test.
        TooLittle: A side of the split has nothing to go by.
        BadEvaluation: A library is missing, or the tower cannot be trained on the events.
        ExportError: The recommender cannot be made.
        CatalogueError: The catalogue cannot be read.
    """
    _check_libraries()
    made = embedded(order.towers, order.catalogue, order.columns, order.out / "work", _told(progress, "products"))
    try:
        return judged(order, made, progress, console)
    except TrainingError as error:
        raise BadEvaluation(str(error)) from error


def _check_libraries() -> None:
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise BadEvaluation(f"baselines need {', '.join(missing)}: pip install 'tandem[evaluate]'")


def recipe_of(epochs: int) -> Recipe:
    """The recipe of the tower, with other epochs where they are given."""
    return replace(Recipe(), epochs=epochs) if epochs else Recipe()


def judged(order: Order, made: Embedded, progress: Progress, console: Console | None = None) -> Evaluation:
    """The same, of a catalogue that is encoded already; see ``evaluate``."""
    split = read_split(order.events, order.moment_s, order.names)
    documents = [product.as_dict() for product in made.products]
    clock = Clock()
    shop = Shop(documents, made.rows, made.space.text_dim, split, _variants_by(order.tasks))
    asked = questions(shop, most_items=order.max_basket)
    recommender = recommender_of(
        shop, Making(made.space, order.tasks, order.recipe, order.out / "work", console), clock
    )
    served = {task: Served(ours(task), task, recommender, clock, shop) for task in TASKS}
    most = recommender.shop.profiles.get("complement").categories
    baselines = Baselines(shop, lambda category: recommender.shop.complements.of([category], most))
    judge = Judge(shop, len(np.unique(split.before.basket)), order.resamples)
    measured = _all(asked, {task: _models(task, baselines, served) for task in asked}, judge, progress)
    history = asked[INSPIRE].get(ALL, ())
    knobbed, similar = (
        turned(served[INSPIRE], replace(served[SIMILAR], newest_only=True), history, judge) if history else ([], None)
    )
    facts = _facts(order, shop, asked)
    return Evaluation(measured, goals(measured, order.resamples), knobbed, similar, facts)


def _models(task: str, baselines: Baselines, served: Mapping[str, Served]) -> list[Model]:
    """With ``inspire`` stands what it is compared with: ``similar`` of the newest product, and of the whole history."""
    similar = served[SIMILAR]
    also: list[Model] = [replace(similar, newest_only=True), replace(similar, name=f"{similar.name}-history")]
    return [*baselines.of(task), *(also if task == INSPIRE else []), served[task]]


def _all(asked: Questions, models: Mapping[str, Sequence[Model]], judge: Judge, progress: Progress) -> list[Measured]:
    found = []
    for task, parts in asked.items():
        shown = progress.add_task(task, total=len(models[task]) * sum(map(len, parts.values())))
        for part, chosen in parts.items():
            for model in models[task]:
                found.append(judge.measured(task, part, model, chosen))
                progress.advance(shown, len(chosen))
    return found


def _facts(order: Order, shop: Shop, asked: Questions) -> dict[str, Any]:
    before, after = shop.split.before, shop.split.after
    known = {name: int(members.sum()) for name, members in shop.slices.items()}
    return {
        "split_s": order.moment_s,
        "products": len(shop),
        "products_by_slice": known,
        "events": {"before": len(before), "after": len(after), "outside": int((shop.places(shop.split.all) < 0).sum())},
        "baskets": {"before": len(np.unique(before.basket)), "after": len(np.unique(after.basket))},
        "questions": {task: {part: len(chosen) for part, chosen in parts.items()} for task, parts in asked.items()},
        "max_basket": order.max_basket,
        "resamples": order.resamples,
        "recipe": order.recipe.as_dict(),
        "measured": machine(),
        "versions": versions(),
    }


def _variants_by(tasks: Path | None) -> str:
    """The attribute that variants share: that of the profiles, which must agree."""
    from ensemble.tasks import Profiles

    by_name = Profiles.load(tasks).by_name
    named = {by_name[task].variants_by for task in TASKS}
    if len(named) > 1:
        raise BadEvaluation(f"{tasks}: `variants_by` must be the same in {', '.join(TASKS)}, got {sorted(named)}")
    return named.pop()


def _told(progress: Progress, what: str) -> Any:
    def start(total: int) -> Any:
        task = progress.add_task(what, total=total)
        return lambda done: progress.advance(task, done)

    return start
