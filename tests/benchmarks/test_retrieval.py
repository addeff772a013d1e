"""The retrieval benchmark is right about what it measures: truth, pass rates, filters, settings, freshness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.retrieval.freshness import of
from benchmarks.retrieval.measuring import check, choose, latencies, throughput
from benchmarks.retrieval.shop import PASS_RATES, QUERIES, Floats, K, Numbers, Shop, recall, top_lot
from benchmarks.retrieval.systems import SYSTEMS, Search, System, system
from benchmarks.retrieval.tables import markdown
from benchmarks.retrieval.titles import products, queries

PRODUCTS = 2_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with vectors of no text: only what is done with them is tested."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("titles")
    for name, count, kind in (("products", PRODUCTS, np.float16), ("queries", 2 * QUERIES, np.float32)):
        rows = rng.normal(size=(count, 384))
        np.save(folder / f"{name}.npy", (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(kind))
    return Shop.open(PRODUCTS, folder)


class Guessing(System):
    """Finds as many of the true ten as its setting says, and is as quick as it is bad."""

    name = "guessing"
    settings: Sequence[int] = (3, 9, 10)

    def build(self) -> None: ...

    def open(self) -> None: ...

    def search(self, rate: float, setting: int) -> Search:
        slots = np.flatnonzero(self.shop.mask(rate))
        rows = self.shop.rows[slots].astype(np.float32)

        def find(query: Floats) -> Numbers:
            numbers: Numbers = slots[np.argsort(-(rows @ query), kind="stable")[:setting]]
            return numbers

        return find


def test_titles_are_all_others_and_the_same_each_time() -> None:
    made = products(500)
    assert len({product.title for product in made}) == 500
    assert products(100) == made[:100]
    assert len(set(queries(50))) == 50


def test_pass_rates_are_exact(shop: Shop) -> None:
    for rate in PASS_RATES:
        assert shop.mask(rate).mean() == pytest.approx(rate)
        assert (shop.lots[shop.mask(rate)] <= top_lot(rate)).all()


def test_truth_is_that_of_sorting_all_that_pass(shop: Shop) -> None:
    truth = shop.truth()
    for rate in (1.0, 0.1):
        scores = shop.queries[:20] @ shop.rows.astype(np.float32).T
        scores[:, ~shop.mask(rate)] = -np.inf
        assert (truth[rate][:20] == np.argsort(-scores, axis=1, kind="stable")[:, :K]).all()


def test_where_fewer_than_ten_pass_all_of_them_are_the_truth(shop: Shop) -> None:
    assert shop.mask(0.001).sum() == 2
    true = shop.truth((0.001,))[0.001]
    assert all(np.isin(np.flatnonzero(shop.mask(0.001)), row).all() for row in true)


def test_the_cheapest_setting_that_reaches_the_target_is_chosen(shop: Shop) -> None:
    chosen = choose(Guessing(shop, Path()), 0.1, shop.truth((0.1,))[0.1])
    assert (chosen.setting, chosen.recall) == (10, 1.0)


def test_where_none_reaches_the_target_the_best_is_reported(shop: Shop) -> None:
    engine = Guessing(shop, Path())
    engine.settings = (3, 9)
    chosen = choose(engine, 0.1, shop.truth((0.1,))[0.1])
    assert chosen.setting == 9
    assert chosen.recall == pytest.approx(0.9)


def test_answers_that_do_not_pass_stop_the_run() -> None:
    mask = np.array([True, False, True])
    check("engine", [np.array([0, 2])], mask)
    with pytest.raises(SystemExit, match="engine: query 0 found what does not pass"):
        check("engine", [np.array([0, 1])], mask)
    with pytest.raises(SystemExit, match="twice"):
        check("engine", [np.array([2, 2])], mask)


def test_every_engine_is_asked(shop: Shop) -> None:
    engine = Guessing(shop, Path())
    chosen = choose(engine, 0.1, shop.truth((0.1,))[0.1])
    taken = latencies({"a": chosen.search, "b": chosen.search}, shop.queries, rounds=2, seconds=0.01)
    assert set(taken) == {"a", "b"}
    assert throughput(chosen, 0.1, shop.queries, 0.02) > 0


@pytest.mark.parametrize("name", sorted(set(SYSTEMS) - {"tandem"}))
def test_engines_obey_the_filter_and_find_the_truth(name: str, shop: Shop, tmp_path: Path) -> None:
    pytest.importorskip("usearch")
    pytest.importorskip("qdrant_edge")
    engine = system(name, shop, tmp_path)
    engine.build()
    engine.open()
    truth = shop.truth((1.0, 0.1))
    for rate in (1.0, 0.1) if engine.filters else (1.0,):
        search = engine.search(rate, engine.settings[-1])
        found = [search(query) for query in shop.queries[:20]]
        check(name, found, shop.mask(rate))
        assert recall(found, truth[rate][:20]) >= 0.9


@pytest.mark.slow
def test_ours_obeys_known_and_new_filters(shop: Shop, tmp_path: Path) -> None:
    engine = system("tandem", shop, tmp_path)
    engine.prepare()
    engine.build()
    engine.open()
    truth = shop.truth((1.0, 0.5))
    for rate in (1.0, 0.5):
        search = engine.search(rate, 0)
        found = [search(query) for query in shop.queries[:20]]
        check("tandem", found, shop.mask(rate))
        assert recall(found, truth[rate][:20]) >= 0.9
    new = engine.search_with_new_filters(0.1)  # type: ignore[attr-defined]
    lots = [shop.lots[new(query)] for query in shop.queries[:5]]
    assert all(np.ptp(lot) <= top_lot(0.1) for lot in lots)
    engine.touch()


def test_tables_say_what_was_missed() -> None:
    row = {"n": 1_000, "pass_rate": 0.5, "engine": "guessing", "recall_at_10": 0.9, "reached": False, "p50_ms": 1.5}
    row |= {"qps_2_threads": 1_200.0, "setting": 9, "build_s": 2.0, "memory_mb": 3.0}
    lines = markdown([row, row | {"n": 2_000, "recall_at_10": 0.995, "reached": True}]).splitlines()
    assert "| 50.0% | guessing | 0.9000 (missed) | 1.500 | 1,200 |  | 9 | 2 | 3 |" in lines
    assert "| 50.0% | guessing | 0.9950 | 1.500 | 1,200 |  | 9 | 2 | 3 |" in lines
    assert [line for line in lines if line.startswith("**")] == ["**1,000 products**", "**2,000 products**"]


def test_an_upsert_is_seen_with_the_first_state_that_holds_it() -> None:
    told = {1: 10.0, 2: 10.0, 3: 10.5}
    seen = of(told, [(2, 10.02), (5, 10.51)], searches_a_second=7.0)
    assert seen.p50_ms == pytest.approx(20.0)
    assert seen.p99_ms == pytest.approx(20.0, abs=0.1)
    assert seen.upserts_a_second == pytest.approx(6.0)
    assert seen.figures()["freshness_searches_a_second"] == 7.0
