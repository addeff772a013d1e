"""Releases that recommend, switched: on trial, live, back, and with a profile more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tritonclient.utils import InferenceServerException

from deploy.server import Server
from ensemble.tasks import DEFAULT_TASKS, Recommender
from export.recommending.again import release_tasks
from tests.deploy.conftest import FAST
from tests.deploy.recommending.conftest import Caller, expected
from tests.deploy.switching.conftest import ME, quiet

BASKET = """
[basket]
task = "complement"
categories = 2
filter = { range = ["price", 0, 40] }
fallback = ["popular"]
"""


@pytest.fixture(scope="module")
def store(recommending_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of its own, as switches are remembered in it."""
    folder = tmp_path_factory.mktemp("switched") / "var"
    return Path(shutil.copytree(recommending_store, folder, ignore=shutil.ignore_patterns("run")))


@pytest.fixture(scope="module")
def switched(store: Path) -> Iterator[Server]:
    """The store, served from release 2."""
    with Server(store, watch_options=FAST) as running:
        yield running


@pytest.mark.slow
def test_without_a_catalogue_it_recommends_as_it_was_released(store: Path, recommender: Recommender) -> None:
    with Server(store, release=2, catalogue="") as still, Caller(still.grpc_url) as caller:
        told = caller.recommend("P004", TASK="inspire")
        assert told.ids == expected(recommender, "P004", TASK="inspire").found.ids[0]
        with pytest.raises(InferenceServerException, match="MIN_SEQ"):
            caller.recommend("P004", MIN_SEQ=10_000)


def test_a_release_on_trial_recommends_by_names_of_its_own(switched: Server) -> None:
    board = switched.switchboard
    with Caller(switched.grpc_url) as caller:
        live = caller.recommend("P004")
        board.canary(1, 0.5, ME, quiet)
        cold = {"PRODUCT": '{"id": "cold", "title": "red mug"}', "IMAGE": b""}
        for model in ("recommend", "recommend_product"):
            inputs = {"PRODUCT_ID": ["P004"]} if model == "recommend" else cold
            assert caller.told(model, inputs).release == 2
            assert caller.told(f"{model}_canary", inputs).release == 1
        on_trial = caller.recommend("P004", model="recommend_canary")
        assert on_trial.scores != live.scores, "the frozen towers know nothing of what is bought together"
        board.end_canary(ME, quiet)
        with pytest.raises(InferenceServerException, match="unknown model"):
            caller.recommend("P004", model="recommend_canary")


def test_the_public_names_move_together_and_back(switched: Server) -> None:
    board = switched.switchboard
    with Caller(switched.grpc_url) as caller:
        seq = caller.write("upsert_product", PRODUCT='{"id": "N1", "title": "small red mug"}', IMAGE=b"")
        for release in (1, 2):
            board.activate(release, ME, quiet)
            told = caller.recommend("N1", MIN_SEQ=seq)
            assert (told.release, len(told.ids)) == (release, 10)
        caller.write("delete_product", PRODUCT_ID="N1")


def test_a_fourth_profile_is_an_edit_of_the_file_of_profiles_alone(
    switched: Server, store: Path, tmp_path: Path
) -> None:
    with Caller(switched.grpc_url) as caller:
        with pytest.raises(InferenceServerException, match="its profiles are similar, complement, inspire"):
            caller.recommend("P004", TASK="basket")
        tasks = tmp_path / "tasks.toml"
        tasks.write_text(DEFAULT_TASKS.read_text() + BASKET)
        release = release_tasks(store, tasks).release
        switched.switchboard.activate(release, ME, quiet)
        told = caller.recommend("P004", TASK="basket")
        assert told.release == release
        assert set(told.rules) == {"complement:Kitchen/Teas"}
        assert all(product["price"] <= 40 for product in told.products)
        assert caller.recommend("P004").release == release
