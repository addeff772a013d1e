"""The whole path on a small shop: trained, written, opened, asked, compared, reported."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console
from rich.progress import Progress

from export.errors import BadEvaluation, Leak
from export.evaluation.baselines.table import FROZEN, Baselines
from export.evaluation.bootstrap import Bootstrap, Interval
from export.evaluation.goals import Goal, goals
from export.evaluation.knobs import Knobbed
from export.evaluation.learned import RECOMMENDER, TOWER, Making, recommender_of, train_tower, write_folder
from export.evaluation.measuring import Judge
from export.evaluation.metrics import NONE
from export.evaluation.order import Order, variants_by
from export.evaluation.output import write
from export.evaluation.questions import COMPLEMENT, INSPIRE, SIMILAR, questions
from export.evaluation.run import Evaluation, judged
from export.evaluation.served import Clock, Served, open_served
from export.evaluation.shop import ALL
from export.recommending.folder import write_recommender
from tests.export.evaluation import small
from training.product.recipe import Recipe
from training.product.shape import TowerShape

RECIPE = Recipe(
    shape=TowerShape(dim=8, hidden=16, category=4), epochs=1, steps=3, batch_size=8, negatives=4, min_count=1, warmup=1
)
PROFILES = """
[similar]
task = "similar"
variants_by = "family"
[complement]
task = "complement"
variants_by = "family"
[inspire]
task = "inspire"
variants_by = "family"
skip = 0
max_age_days = 400.0
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    path = tmp_path / "tasks.toml"
    path.write_text(PROFILES)
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "tasks.toml").write_text(PROFILES)
    order = Order(
        folder / "events.parquet",
        "",
        small.SPLIT,
        folder,
        folder,
        tasks=folder / "tasks.toml",
        recipe=RECIPE,
        resamples=20,
    )
    shop = small.shop(folder)
    return judged(order, shop, questions(shop), small.SPACE, Progress(console=Console(quiet=True)))


def test_the_frozen_recommender_answers_as_the_frozen_baseline(tmp_path: Path, tasks: Path) -> None:
    shop, clock = small.shop(tmp_path), Clock()
    folder = tmp_path / "recommender"
    write_recommender(folder, products=shop.products, rows=shop.rows, space=small.SPACE, tasks=tasks)
    recommender = open_served(folder, clock)
    known = {model.name: model for model in Baselines(shop, lambda _: []).of(SIMILAR)}
    asked = [question for part in questions(shop).values() for question in part[ALL]]
    served = Served("tandem-similar", "similar", recommender, clock, shop).answer(asked)
    expected = known[FROZEN].answer(asked)
    # After what is similar the recommender falls back; it knows nothing popular, so that lists end alike.
    assert served.tolist() == expected.tolist()


def test_answers_obey_the_rules_that_all_models_share(tmp_path: Path, tasks: Path) -> None:
    shop, clock = small.shop(tmp_path), Clock()
    recommender = recommender_of(shop, Making(small.SPACE, tasks, RECIPE, tmp_path), clock)
    for task, parts in questions(shop).items():
        for question in parts[ALL]:
            listed = Served("ours", task, recommender, clock, shop).answer([question])[0]
            chosen = listed[listed != NONE]
            families = shop.family[chosen].tolist()
            assert len(set(families)) == len(families) > 0
            assert not set(families) & set(shop.family[question.products].tolist())
            assert not set(chosen.tolist()) & set(question.seen.tolist())


def test_neither_tower_nor_clusters_know_the_products_of_the_test(tmp_path: Path, tasks: Path) -> None:
    shop = small.shop(tmp_path)
    making = Making(small.SPACE, tasks, RECIPE, tmp_path)
    train_tower(shop, making)
    features = json.loads((tmp_path / TOWER / "tower.json").read_text())["features"]
    assert "Kitchen/Kettle" not in features["categories"]
    write_folder(shop, making)
    content = json.loads((tmp_path / RECOMMENDER / "popular.json").read_text())
    assert "p8" not in content[""]
    assert "Kitchen/Kettle" not in content
    # The index has it, as the live catalogue would.
    assert open_served(tmp_path / RECOMMENDER, Clock()).index.slots.find(["p8"]).tolist() != [-1]


def test_training_on_the_test_is_refused(tmp_path: Path, tasks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = small.shop(tmp_path)
    from training.product.pairs import count_pairs

    monkeypatch.setattr("export.evaluation.learned.count_pairs", lambda _, **more: count_pairs(shop.split.all, **more))
    with pytest.raises(Leak, match="was counted"):
        train_tower(shop, Making(small.SPACE, tasks, RECIPE, tmp_path))


def test_a_training_of_another_recipe_is_begun_again(tmp_path: Path, tasks: Path) -> None:
    shop = small.shop(tmp_path)
    for steps in (3, 4):
        folder = train_tower(shop, Making(small.SPACE, tasks, replace(RECIPE, steps=steps), tmp_path))
        assert json.loads((folder / "tower.json").read_text())["recipe"]["steps"] == steps


def test_every_model_is_in_every_slice(found: Evaluation) -> None:
    of = {(one.task, one.slice, one.model) for one in found.measured}
    assert (SIMILAR, ALL, "tandem-similar") in of
    assert {(COMPLEMENT, part, "tandem-complement") for part in (ALL, "cold", "head")} <= of
    assert {(INSPIRE, ALL, "tandem-inspire"), (INSPIRE, ALL, "tandem-similar")} <= of
    assert all(one.figures["recall@10"].low <= one.figures["recall@10"].high for one in found.measured)
    assert found.facts["questions"][COMPLEMENT][ALL] == 3


def test_the_report_has_figures_plots_and_goals(found: Evaluation, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    paths = write(folder, found, more=["## More\n\nSaid here."])
    text = paths[0].read_text()
    assert "## Targets" in text
    assert "Said here." in text
    for path in paths:
        assert path.is_file()
        if path.suffix == ".png":
            assert imread(path).shape[0] > 100
            assert f"]({path.name})" in text
    content = json.loads(paths[1].read_text(), parse_constant=refused)
    row = content["rows"][0]
    assert {"task", "model", "slice", "recall_at_10", "recall_at_10_low", "ndcg_at_10", "mrr", "coverage"} <= set(row)
    assert len(content["rows"]) == len(found.measured)
    assert {goal["model"] for goal in content["goals"]} >= {"tandem-similar", "tandem-complement", "tandem-inspire"}


def refused(constant: str) -> None:
    pytest.fail(f"{constant} is no JSON")


def test_figures_that_are_not_there_are_null(found: Evaluation, tmp_path: Path) -> None:
    nothing = np.zeros(found.measured[0].questions)
    ratios = [found.measured[0].draws(20).ratio(values, nothing) for values in (nothing, nothing + 1)]
    planted = [Goal(SIMILAR, ALL, "recall@10", "a", "b", ratio, 1.5) for ratio in ratios]
    assert found.similar is not None
    unmixed = replace(found.similar, diversity=float("nan"))
    written = write(tmp_path, replace(found, goals=planted, knobbed=[unmixed], similar=unmixed))
    content = json.loads(written[1].read_text(), parse_constant=refused)
    assert [goal["ratio"] for goal in content["goals"]] == [dict.fromkeys(("value", "low", "high"))] * 2
    assert [goal["reached"] for goal in content["goals"]] == [False, True]
    assert content["knobs"][0]["diversity"] is None
    assert content["knobs"][0]["questions"] == unmixed.questions
    shown = [line.split(" | ")[4:6] for line in written[0].read_text().splitlines() if "`a` / `b`" in line]
    assert shown == [["-", "- to -"], ["∞", "∞ to ∞"]]


def test_goals_compare_the_means(found: Evaluation) -> None:
    by = {(one.task, one.slice, one.model): one for one in found.measured}
    for goal in goals(found.measured, 20):
        one = by[goal.task, goal.slice, goal.model].values[goal.figure]
        other = by[goal.other_task or goal.task, goal.slice, goal.other].values[goal.figure]
        both = np.isfinite(one) & np.isfinite(other) if not goal.other_task else slice(None)
        above, below = np.nanmean(one[both]), np.nanmean(other[both])
        expected = above / below if below else np.float64(above) * np.inf
        assert goal.ratio.value == pytest.approx(expected, nan_ok=True)


def test_intervals_of_inspire_are_of_customers(tmp_path: Path) -> None:
    again = [(name, "cid", 1_500 + at, (3, 5)) for at, name in enumerate("ijk")]
    shop = small.shop(tmp_path, (*small.BEFORE, *small.AFTER, *again))
    asked = questions(shop)[INSPIRE][ALL]
    model = next(iter(Baselines(shop, lambda _: []).of(INSPIRE)))
    found = Judge(shop, 4, 50).measured(INSPIRE, ALL, model, asked)
    assert found.groups.tolist() == [0, 1, 1]
    assert found.figures["recall@10"] == Bootstrap(found.groups, 50).mean(found.values["recall@10"])


def test_a_goal_of_one_must_be_exceeded() -> None:
    goal = Goal(SIMILAR, ALL, "recall@10", "a", "b", Interval(1.0, 0.9, 1.1), 1.0)
    assert not goal.reached
    assert replace(goal, ratio=Interval(1.01, 0.9, 1.1)).reached
    assert replace(goal, bound=0.7, ratio=Interval(0.7, 0.6, 0.8)).reached


def test_knobs_are_turned(found: Evaluation) -> None:
    assert isinstance(found.similar, Knobbed)
    assert {(one.nearest, one.skip) for one in found.knobbed} >= {(1, 0), (10, 3)}


def test_profiles_must_agree_about_variants(tasks: Path) -> None:
    assert variants_by(tasks) == "family"
    tasks.write_text(PROFILES.replace('"family"', '"brand"', 1))
    with pytest.raises(BadEvaluation, match="`variants_by` must be the same"):
        variants_by(tasks)


def test_profiles_must_be_those_that_are_judged(tasks: Path) -> None:
    tasks.write_text(PROFILES.replace("[complement]", "[cart]").replace("[inspire]", "[feed]"))
    with pytest.raises(BadEvaluation, match=r"no profile called 'complement' or 'inspire'; .* has similar, cart, feed"):
        variants_by(tasks)
    tasks.write_text(PROFILES.replace('task = "complement"', 'task = "similar"'))
    with pytest.raises(BadEvaluation, match=r"\[complement\] has task = 'similar', must be 'complement'"):
        variants_by(tasks)


def test_orders_that_are_not_allowed(tmp_path: Path) -> None:
    with pytest.raises(BadEvaluation, match="resamples: got 1, must be at least 2"):
        Order(tmp_path, "", small.SPLIT, tmp_path, tmp_path, resamples=1)
