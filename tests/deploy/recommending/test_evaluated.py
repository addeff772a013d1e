"""The server against the offline evaluation: questions of a shop's events, asked of both, over one release."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from ensemble.settings import SpaceSettings
from export.evaluation.embedding import embedded, read_entry
from export.evaluation.learned import RECOMMENDER, TOWER, Making, write_folder
from export.evaluation.metrics import NONE
from export.evaluation.questions import COMPLEMENT, INSPIRE, SIMILAR, TASKS, Question, questions
from export.evaluation.served import Clock, Served, open_served
from export.evaluation.shop import ALL, Shop
from export.evaluation.split import read_split
from export.recommending import write_recommender
from tests.deploy.recommending.conftest import Caller
from tests.export.recommending.conftest import RECIPE

DAY_S = 86_400
CUSTOMERS = 12
# When a customer bought; the last baskets are those of the test. The server goes by the clock of the machine.
AGO_S = (10 * DAY_S, 5 * DAY_S, 2 * DAY_S, 60)
# Of each profile one key, with a value that is not its own.
OTHERWISE = {SIMILAR: "diversity = 0.9", COMPLEMENT: 'fallback = ["popular"]', INSPIRE: "skip = 0"}


@dataclass(frozen=True)
class Evaluation:
    """What the evaluation of a shop comes to before it measures.

    Args:
        shop: Catalogue, rows and events.
        space: Of the rows.
        asked: Questions by task.
        folder: Of the recommender.
    """

    shop: Shop
    space: SpaceSettings
    asked: Mapping[str, Sequence[Question]]
    folder: Path

    def served(self, profile: str, folder: Path | None = None, **more: Any) -> Served:
        """A profile of this recommender, or of another one."""
        clock = Clock()
        return Served(profile, profile, open_served(folder or self.folder, clock), clock, self.shop, **more)


def events(ids: Sequence[str], now_s: int) -> Iterator[dict[str, Any]]:
    """Each customer bought a part of the catalogue in three baskets, and a minute ago the next customer's part."""
    part = len(ids) // CUSTOMERS
    for customer in range(CUSTOMERS):
        items = np.arange(2 * part) + customer * part
        for ago_s, basket in zip(AGO_S, np.split(items % len(ids), [2, 4, part]), strict=True):
            named = {"basket": f"{customer} {ago_s}", "user": f"U{customer}", "time": now_s - ago_s}
            yield from (named | {"product": ids[item]} for item in basket.tolist())


@pytest.fixture(scope="module")
def evaluation(
    brand_shop: Path, small_towers: Path, tower: Path, tmp_path_factory: pytest.TempPathFactory
) -> Evaluation:
    """By catalogue, towers file and trained tower of the release that is served."""
    work, now_s = tmp_path_factory.mktemp("evaluation"), int(time.time())
    entry = read_entry(small_towers, str(brand_shop), None)
    products = [product.as_dict() for product in entry.checked.catalogue.products]
    table = pa.Table.from_pylist(list(events([product["id"] for product in products], now_s)))
    parquet.write_table(table, work / "events.parquet")
    made = embedded(entry, work, lambda _: lambda _: None)
    split = read_split(work / "events.parquet", now_s - DAY_S)
    shop = Shop(products, made.rows, made.space.text_dim, split)
    shutil.copytree(tower, work / TOWER)
    write_folder(shop, Making(made.space, None, RECIPE, work))
    asked = {task: parts[ALL] for task, parts in questions(shop).items()}
    return Evaluation(shop, made.space, asked, work / RECOMMENDER)


def check(caller: Caller, served: Served, asked: Sequence[Question]) -> None:
    """Hold what the server answers to what the evaluation measures."""
    for question, places in zip(asked, served.answer(asked), strict=True):
        inputs = {name: tensor[0].tolist() for name, tensor in served.tensors(question).items()}
        told, right = caller.told("recommend", inputs), served.recommended(question)
        assert told.ids == right.found.ids[0]
        assert told.ids == [served.shop.products[place]["id"] for place in places[places != NONE].tolist()]
        assert told.rules == right.rules[0]
        assert told.reason == right.reasons[0]
        np.testing.assert_allclose(told.scores, right.found.hits[0].scores, atol=1e-5)


@pytest.mark.parametrize(
    ("profile", "task", "more"),
    [
        *((task, task, {}) for task in TASKS),
        (INSPIRE, INSPIRE, {"knobs": (("NEAREST", 10), ("SKIP", 3))}),
        (SIMILAR, INSPIRE, {}),
        (SIMILAR, INSPIRE, {"newest_only": True}),
    ],
    ids=[*TASKS, "knobs", "history", "newest"],
)
def test_the_server_answers_as_the_offline_evaluation(
    caller: Caller, evaluation: Evaluation, profile: str, task: str, more: dict[str, Any]
) -> None:
    served, asked = evaluation.served(profile, **more), evaluation.asked[task]
    check(caller, served, asked)
    rules = [rule for question in asked for rule in served.recommended(question).rules[0]]
    assert len(asked) == CUSTOMERS
    assert profile in {rule.split(":")[0] for rule in rules}


@pytest.mark.parametrize("task", TASKS)
def test_another_tower_or_another_profile_would_be_noticed(
    caller: Caller, evaluation: Evaluation, tmp_path: Path, task: str
) -> None:
    frozen, other = tmp_path / "frozen", tmp_path / "other"
    shop = evaluation.shop
    write_recommender(frozen, products=shop.products, rows=shop.rows, space=evaluation.space)
    shutil.copytree(evaluation.folder, other)
    (other / "tasks.toml").write_text(f'[{task}]\ntask = "{task}"\nnear_duplicates = 0.995\n{OTHERWISE[task]}\n')
    for folder in (frozen, other):
        with pytest.raises(AssertionError):
            check(caller, evaluation.served(task, folder), evaluation.asked[task])
