"""A whole evaluation: read, split, learn, ask, compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from ensemble.settings import SpaceSettings
from export.errors import BadEvaluation
from export.evaluation.baselines.table import Baselines
from export.evaluation.embedding import embedded, read_entry
from export.evaluation.goals import Goal, goals, ours
from export.evaluation.knobs import Knobbed, turned
from export.evaluation.learned import Making, recommender_of
from export.evaluation.measuring import Judge, Measured
from export.evaluation.models import Model
from export.evaluation.order import Order, check_libraries, variants_by
from export.evaluation.questions import INSPIRE, SIMILAR, TASKS, Question, questions
from export.evaluation.served import Clock, Served
from export.evaluation.shop import ALL, Shop
from export.evaluation.split import read_split
from export.identity import versions
from export.machine import machine
from training.errors import TrainingError

Questions = Mapping[str, Mapping[str, Sequence[Question]]]


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
    """Evaluate the three tasks. Profiles, events and catalogue are read and held to each other before all that lasts.

    Args:
        order: What is to be evaluated.
        progress: Where steps are shown.
        console: Shows the training; None to show nothing.

    Raises:
        BadEvents: The events cannot be used.
        Leak: Something that was learned has seen the test.
        TooLittle: A side of the split has nothing to go by.
        BadEvaluation: A library is missing, the profiles cannot be compared, or no tower can be trained on the events.
        BadComparison: Towers or catalogue cannot be used; lists every problem.
        ExportError: The recommender cannot be made.
        EnsembleError: The file of profiles cannot be used.
    """
    check_libraries()
    attribute = variants_by(order.tasks)
    split = read_split(order.events, order.moment_s, order.names)
    entry = read_entry(order.towers, order.catalogue, order.columns)
    shop = Shop.without_rows([one.as_dict() for one in entry.checked.catalogue.products], split, attribute)
    asked = questions(shop, most_items=order.max_basket)
    made = embedded(entry, order.out / "work", _told(progress, "products"))
    try:
        return judged(order, shop.encoded(made.rows, made.space.text_dim), asked, made.space, progress, console)
    except TrainingError as error:
        raise BadEvaluation(str(error)) from error


def judged(
    order: Order,
    shop: Shop,
    asked: Questions,
    space: SpaceSettings,
    progress: Progress,
    console: Console | None = None,
) -> Evaluation:
    """The same, of a catalogue that is encoded already.

    Args:
        order: What is to be evaluated.
        shop: With the rows of its products.
        asked: Of the shop.
        space: Of the rows.
        progress: Where steps are shown.
        console: Shows the training; None to show nothing.
    """
    clock = Clock()
    recommender = recommender_of(shop, Making(space, order.tasks, order.recipe, order.out / "work", console), clock)
    served = {task: Served(ours(task), task, recommender, clock, shop) for task in TASKS}
    most = recommender.shop.profiles.get("complement").categories
    baselines = Baselines(shop, lambda category: recommender.shop.complements.of([category], most))
    judge = Judge(shop, len(np.unique(shop.split.before.basket)), order.resamples)
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


def _told(progress: Progress, what: str) -> Any:
    def start(total: int) -> Any:
        task = progress.add_task(what, total=total)
        return lambda done: progress.advance(task, done)

    return start
