"""A batch is answered from one state in one search, and each request as if it were alone."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.errors import DamagedRelease, InvalidInput
from ensemble.index import ExactEngine, Hits, Index, Still, load, save
from ensemble.index.choice import EngineChoice
from ensemble.query import Tensors
from ensemble.tasks import Recommended, Recommender, open_recommender
from tests.ensemble.tasks.shops import (
    NOW_S,
    answer,
    catalogue,
    index_of,
    recommender,
    request,
    shop_of,
    write_folder,
)

MANY: list[Tensors] = [
    request("P1", k=5),
    request("P3", task="complement", filter={"eq": ["available", True]}),
    request("P5", "P8", "P13", task="inspire", k=40, diversity=0.4),
    request("P5", weights=[2], per_brand=1, k=20),
    request("P7", "X7", seen=["P1", "P2"]),
]


class Noting:
    """Notes how many queries each search has, and fails where it is told to."""

    def __init__(self, index: Index) -> None:
        self._index, self.searched, self.most = index, list[int](), 10_000

    def search(self, queries: Any, counts: Any, passing: Any, boosts: Any = None) -> list[Hits]:
        self.searched.append(len(queries))
        if len(queries) > self.most:
            raise MemoryError("too much")
        return self._index.engine.search(queries, counts, passing, boosts)

    def added(self, first: int) -> None:
        raise NotImplementedError


def noted() -> tuple[Recommender, Noting]:
    products, vectors = catalogue(120, 3)
    index = index_of(products, vectors)
    engine = Noting(index)
    shop = shop_of(products, vectors)
    return Recommender(shop, Still(Index(index.slots, engine)), clock=lambda: NOW_S), engine


def same(one: Any, other: Any) -> bool:
    assert isinstance(one, Recommended), one
    tensors = one.tensors(), other.tensors()
    return all(np.array_equal(tensors[0][name], tensors[1][name]) for name in tensors[0])


def test_the_answer_is_the_same_alone_and_in_a_batch() -> None:
    asked = recommender()
    together = asked.answer([*MANY, request("X1"), *reversed(MANY)])
    assert isinstance(together[len(MANY)], InvalidInput)
    for number, given in enumerate(MANY):
        (alone,) = asked.answer([given])
        assert same(alone, together[number])
        assert same(alone, together[-1 - number])


def test_rows_of_a_request_are_answered_as_requests_of_one_row() -> None:
    asked = recommender()
    rows = {"PRODUCT_ID": np.array([[b"P1", b""], [b"P5", b"P8"]], object), "K": np.array([[3], [6]], np.int32)}
    (both,) = asked.answer([rows])
    assert isinstance(both, Recommended)
    assert both.found.ids == [answer(asked, "P1", k=3).found.ids[0], answer(asked, "P5", "P8", k=6).found.ids[0]]
    tensors = both.tensors(4)
    assert tensors["RULE"].shape == tensors["PRODUCT_ID"].shape == tensors["SCORE"].shape == (2, 6)
    assert tensors["RULE"][0].tolist() == [b"similar"] * 3 + [b""] * 3
    assert [tensors[name].tolist() for name in ("COUNT", "REASON", "RELEASE", "SEQ")] == [
        [[3], [6]],
        [[b""], [b""]],
        [[4], [4]],
        [[0], [0]],
    ]


def test_all_of_a_batch_are_searched_at_once() -> None:
    asked, engine = noted()
    given = request("P3", task="complement", category=["Home", "Sport", "Kitchen"], k=6)
    asked.answer([given, request("P1"), request("P2", task="inspire")])
    assert engine.searched == [4]


def test_a_search_that_fails_together_is_tried_for_each(caplog: pytest.LogCaptureFixture) -> None:
    asked, engine = noted()
    engine.most = 2
    three = request("P3", task="complement", category=["Home", "Sport", "Kitchen"])
    with caplog.at_level(logging.ERROR):
        first, second, third = asked.answer([request("P1"), three, request("P2")])
    assert isinstance(second, MemoryError)
    assert same(first, asked.answer([request("P1")])[0])
    assert isinstance(third, Recommended)
    assert "failed together" in caplog.text


def test_documents_are_given_where_they_are_wanted() -> None:
    full, bare = recommender().answer([request("P1")] * 2, documents=[True, False])
    assert isinstance(full, Recommended)
    assert isinstance(bare, Recommended)
    assert full.found.ids == bare.found.ids
    assert b'"title": "product ' in full.tensors()["PRODUCT"][0, 0]
    assert "PRODUCT" not in bare.tensors()


def test_a_profile_that_the_catalogue_cannot_filter_by_is_told(caplog: pytest.LogCaptureFixture) -> None:
    asked = recommender(tasks='[red]\ntask = "similar"\nfilter = { eq = ["colour", "red"] }\n[all]\ntask = "similar"')
    assert """[red] filter.eq: unknown field "colour\"""" in caplog.text
    refused, good = asked.answer([request("P1", task="red"), request("P1", task="all")])
    assert str(refused).startswith("TASK 'red', its filter.eq: unknown field \"colour\"; this catalogue has ")
    assert isinstance(good, Recommended)


def test_an_index_of_another_space_is_refused() -> None:
    products, vectors = catalogue(20, 3)
    wrong = index_of(products, vectors)
    wrong.slots.space_id = "another"
    with pytest.raises(DamagedRelease, match="'another'"):
        Recommender(shop_of(products, vectors), Still(wrong))


def test_an_index_that_is_elsewhere_is_refused() -> None:
    products, vectors = catalogue(20, 3)

    class Elsewhere:
        pass

    with pytest.raises(TypeError, match="Elsewhere does not lie in this process"):
        Recommender(shop_of(products, vectors), Still(Elsewhere()))  # type: ignore[arg-type]


def test_a_folder_is_opened(tmp_path: Path) -> None:
    products, vectors = catalogue(60, 3)
    source = Still(index_of(products, vectors))
    write_folder(tmp_path, products, vectors, '[feed]\ntask = "inspire"')
    assert set(answer(open_recommender(tmp_path, source), "P1", task="feed", k=4).rules[0]) != {"popular:"}
    for name in ("tasks.toml", "complements.json", "popular.json", "clusters.npy"):
        (tmp_path / name).unlink()
    bare = open_recommender(tmp_path, source)
    assert answer(bare, "P1", task="complement").reasons[0].endswith("similar gave 10")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("settings.json", b"{}"),
        ("settings.json", b'{"space": {"space_id": "rows", "text_dim": 32, "image_dim": 4}, "recommend": {"dim": 3}}'),
        ("complements.json", b"[]"),
        ("complements.json", b'{"A": [{"lift": 2}]}'),
        ("complements.json", b'{"A": [{"category": "", "lift": 2}]}'),
        ("popular.json", b'{"A": [1]}'),
        ("popular.json", b"{"),
        ("clusters.npy", b"text"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    products, vectors = catalogue(20, 3)
    write_folder(tmp_path, products, vectors, '[feed]\ntask = "inspire"')
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DamagedRelease, match=name):
        open_recommender(tmp_path, Still(index_of(products, vectors)))


@pytest.mark.parametrize("centroids", [np.ones((3, 7)), np.full((3, 32), np.nan), np.ones((0, 32)), np.ones(32)])
def test_clusters_of_another_shape_are_refused(tmp_path: Path, centroids: Any) -> None:
    products, vectors = catalogue(20, 3)
    write_folder(tmp_path, products, vectors, '[feed]\ntask = "inspire"')
    np.save(tmp_path / "clusters.npy", centroids)
    with pytest.raises(DamagedRelease, match=r"clusters\.npy"):
        open_recommender(tmp_path, Still(index_of(products, vectors)))


def test_an_index_of_a_snapshot_is_answered_from_alike(tmp_path: Path) -> None:
    products, vectors = catalogue(120, 3)
    save(index_of(products, vectors).slots, tmp_path)
    slots = load(tmp_path)
    mapped = Recommender(shop_of(products, vectors), Still(Index(slots, ExactEngine(slots))), clock=lambda: NOW_S)
    for one, other in zip(mapped.answer(MANY), recommender().answer(MANY), strict=True):
        assert same(one, other)


@pytest.mark.slow
def test_an_engine_of_the_gpu_gives_the_same_products(tmp_path: Path) -> None:
    products, vectors = catalogue(120, 3)
    save(index_of(products, vectors).slots, tmp_path)
    there = Index.open(tmp_path, engine=EngineChoice("gpu"))
    assert there.on_gpu
    remote = Recommender(shop_of(products, vectors), Still(there), clock=lambda: NOW_S)
    for one, other in zip(remote.answer(MANY[1:3]), recommender().answer(MANY[1:3]), strict=True):
        assert isinstance(one, Recommended), one
        assert isinstance(other, Recommended), other
        assert (one.found.ids, one.rules, one.reasons) == (other.found.ids, other.rules, other.reasons)
