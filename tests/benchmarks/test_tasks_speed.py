from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.closed_loop import Measured
from benchmarks.tasks import speed
from benchmarks.tasks.speed_catalogue import DIM, LEAVES, Catalogue, complements, product_id
from benchmarks.tasks.speed_checks import Checked, Exact, problems, refuse
from benchmarks.tasks.speed_document import goals, rows, section
from benchmarks.tasks.speed_load import CLIENT, Round, figures
from benchmarks.tasks.speed_place import MADE, place
from benchmarks.tasks.speed_requests import K, kinds, questions
from clients import Hit, Recommend, Recommendations
from deploy.store import check_release, find_release
from ensemble.complement_head import ComplementHead

PRODUCTS = 600


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.draw(PRODUCTS)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    place(folder, PRODUCTS)
    return folder


@pytest.fixture(scope="module")
def exact(shop: Path) -> Exact:
    return Exact(shop / "models" / "recommender" / "1")


def answer(query: Recommend, ids: list[str], rule: str = "similar", reason: str = "") -> Recommendations:
    hits = tuple(Hit(name, 0.5, category=LEAVES[0], price=3.0, available=True, rule=rule) for name in ids)
    return Recommendations(1, 0, hits, reason)


def test_a_catalogue_has_every_leaf_and_is_the_same_each_time(catalogue: Catalogue) -> None:
    assert {product["category"] for product in catalogue.products} == set(LEAVES)
    again = Catalogue.draw(PRODUCTS)
    assert again.products == catalogue.products
    np.testing.assert_array_equal(again.vectors(), catalogue.vectors())
    with pytest.raises(ValueError, match="one a leaf, got 5"):
        Catalogue.draw(5)


def test_vectors_are_of_unit_length_and_nearer_within_a_leaf(catalogue: Catalogue) -> None:
    vectors, leaf = catalogue.vectors(), catalogue.drawn["leaf"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines, same = vectors @ vectors.T, leaf[:, None] == leaf[None]
    np.fill_diagonal(same, val=False)
    assert cosines[same].mean() > 0.4
    assert cosines[~same].mean() < 0.2


def test_leaves_have_complements_of_other_branches() -> None:
    made = complements()
    assert set(made) == set(LEAVES)
    for leaf, targets in made.items():
        assert all(one["category"].split("/")[0] != leaf.split("/")[0] for one in targets)
        lifts = [one["lift"] for one in targets]
        assert len(targets) > 5
        assert lifts == sorted(lifts, reverse=True)


def test_the_head_leads_towards_the_target(shop: Path, catalogue: Catalogue) -> None:
    head = ComplementHead.open(shop / "models" / "recommender" / "1")
    assert head is not None
    vectors, leaf = catalogue.vectors(), catalogue.drawn["leaf"]
    targets = [LEAVES[(number + 7) % len(LEAVES)] for number in leaf[:50]]
    there = np.stack([vectors[leaf == LEAVES.index(target)].mean(axis=0) for target in targets])
    queries = head.queries(vectors[:50], targets)
    assert (queries * there).sum(axis=1).mean() > 2 * abs((vectors[:50] * there).sum(axis=1).mean())


def test_a_shop_can_be_served_and_is_made_once(shop: Path) -> None:
    check_release(find_release(shop))
    folder = shop / "models" / "recommender" / "1"
    before = (folder / "clusters.npy").stat().st_mtime_ns
    place(shop, PRODUCTS)
    assert (folder / "clusters.npy").stat().st_mtime_ns == before
    assert json.loads((folder / MADE).read_text())["dim"] == DIM


def test_every_kind_of_question_is_answered(exact: Exact) -> None:
    for kind, make in kinds().items():
        some = questions(make, 3, PRODUCTS)
        assert some == questions(make, 3, PRODUCTS)
        assert some[0] != some[1]
        found = [exact.ids(query) for query in some]
        assert all(len(set(ids)) == len(ids) <= K for ids in found), kind
        assert kind.startswith("similar, filter") or all(len(ids) == K for ids in found), kind


def test_a_wrong_answer_is_told() -> None:
    query = Recommend("P000001", k=2)
    assert problems(query, answer(query, ["P000002", "P000003"])) == []
    assert problems(query, answer(query, ["P000002"], reason="similar gave 1 of 2")) == []
    assert "without a reason" in problems(query, answer(query, ["P000002"]))[0]
    assert "twice" in problems(query, answer(query, ["P000002", "P000002"]))[0]
    assert "asked about" in problems(query, answer(query, ["P000001", "P000002"]))[0]
    dear = replace(query, filter={"range": ["price", 5, 9]})
    assert "does not pass" in problems(dear, answer(dear, ["P000002", "P000003"]))[0]
    assert "by rule" in problems(query, answer(query, ["P000002", "P000003"], rule="inspire:3"))[0]
    other = replace(query, task="complement")
    assert "by rule" in problems(other, answer(other, ["P000002", "P000003"], rule=f"complement:{LEAVES[9]}"))[0]
    assert problems(other, answer(other, ["P000002", "P000003"], rule=f"complement:{LEAVES[0]}")) == []


def test_wrong_answers_and_low_recall_stop_the_benchmark() -> None:
    refuse({"similar": Checked([1.0, 0.99])})
    with pytest.raises(SystemExit, match=r"similar: recall 0\.9"):
        refuse({"similar": Checked([0.9])})
    with pytest.raises(SystemExit, match="wrong answers: a product comes twice"):
        refuse({"similar": Checked([1.0], ["a product comes twice"])})


def test_figures_are_medians_of_the_rounds() -> None:
    rounds = [Round(Measured((1.0, ms), 1.0), {"recommender": ms / 1000, CLIENT: 0.001}) for ms in (1.0, 5.0, 3.0)]
    found = figures(rounds)
    assert found["p50_ms"] == 2.0
    assert (found["p99_ms_least"], found["p99_ms_most"]) == (1.0, 4.96)
    assert found["cpu_ms"] == {"recommender": 1.5, CLIENT: 0.5}
    assert found["requests"] == 6


def content(similar: float, complement: float, recall: float = 1.0) -> dict[str, Any]:
    def one(p99: float) -> dict[str, Any]:
        spent = {"recommender": 1.5, CLIENT: 0.5}
        latencies = {"p50_ms": 2.0, "p99_ms": p99, "p99_ms_least": 1.0, "p99_ms_most": 9.0, "rps": 800.0}
        return {**latencies, "cpu_ms": spent, "recall_at_10": recall}

    return {
        "kinds": {"similar": one(similar), "complement": one(complement)},
        "place": {
            "products": 500_000,
            "dim": DIM,
            "leaves": 281,
            "load_s": 3.0,
            "memory_mb": 700.0,
            "mapped_mb": 300.0,
        },
        "load": {"concurrency": 4, "rounds": 5},
        "measured": {"cores": 2, "processor": "a processor"},
    }


def test_goals_are_those_of_latency_and_recall() -> None:
    assert [met for _, _, met in goals(content(9.9, 14.9))] == [True, True, True]
    assert [met for _, _, met in goals(content(10.1, 15.1, 0.98))] == [False, False, False]


def test_the_section_has_a_row_a_kind_and_tells_what_was_missed() -> None:
    text = section(content(8.0, 16.0))
    assert rows(content(8.0, 16.0))[0] == ("similar", "2.00", "8.00", "1.00 .. 9.00", "800", "1.50", "1.0000")
    assert "| complement | 2.00 | 16.00 |" in text
    assert text.count("; met.") == 2
    assert text.count("**missed**") == 1


@pytest.mark.slow
def test_the_whole_way_on_a_real_server(tmp_path: Path) -> None:
    speed.main(tmp_path, products=1_000, rounds=1, seconds=0.2, checked=3)
    found = json.loads((tmp_path / "bench" / "tasks_speed.json").read_text())
    assert set(found["kinds"]) == set(kinds())
    assert all(one["recall_at_10"] == 1 and one["rps"] > 0 for one in found["kinds"].values())
    assert found["place"]["memory_mb"] > 0


def test_ids_of_products_sort_as_they_were_drawn() -> None:
    assert product_id(7) == "P000007"
