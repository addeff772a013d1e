from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ensemble.errors import BadQueries, Behind, InvalidInput
from ensemble.found import Found, rectangle
from ensemble.index import Follower, Hits, Index, Still
from ensemble.index.choice import EngineChoice
from ensemble.pipeline import Pipeline
from ensemble.query import Tensors
from ensemble.retrieval import Answered, Retrieval, query_rows
from tests import tiny
from tests.ensemble.journal_twin import TwinCatalogue, TwinJournal, index_of

SPACE = tiny.SPACE


def unit(seed: int, batch: int = 1) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(batch, tiny.DIM))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32)


def test_query_rows_follow_the_formula() -> None:
    text, image = unit(1, 2), unit(2, 2)
    weights = np.array([[3, 1], [1, -1]], np.float32)
    rows = query_rows(text, image, weights, SPACE)
    for row, (u, v) in enumerate([(0.75, 0.25), (0.5, -0.5)]):
        expected = [u * 0.6 * text[row] + v * 0.3 * image[row], u * 0.4 * text[row] + v * 0.7 * image[row]]
        np.testing.assert_allclose(rows[row], np.concatenate(expected), atol=1e-6)


def test_an_absent_part_gives_its_weight_to_the_other() -> None:
    text = unit(1)
    weighted = query_rows(text, None, np.array([[0.2, 0.8]], np.float32), SPACE)
    np.testing.assert_allclose(weighted, query_rows(text, None, None, SPACE), atol=1e-6)


@pytest.mark.parametrize(
    ("text", "image", "weights", "message"),
    [
        (None, None, None, "TEXT_VECTOR, IMAGE_VECTOR: both are missing"),
        (unit(1), None, [[0, 1]], "WEIGHTS: [0.0, 1.0]: one that is not zero is needed"),
        (unit(1), unit(2), [[0, 0]], "WEIGHTS: [0.0, 0.0]: one that is not zero is needed"),
        (unit(1, 2), unit(2, 2), [[1, 1], [np.inf, 1]], "WEIGHTS[1]: [inf, 1.0] is not finite"),
        (unit(1)[:, :5], None, None, "TEXT_VECTOR: shape [1, 5]; [batch, 8] is needed"),
        (None, np.full((1, 8), np.nan, np.float32), None, "IMAGE_VECTOR: holds a value that is not finite"),
        (np.full((1, 8), 3e38, np.float32), None, None, "TEXT_VECTOR: norm 8.49e+38; at most 1000 is allowed"),
        (
            unit(1, 2),
            unit(2, 2) * np.array([[1], [1001]], np.float32),
            None,
            "IMAGE_VECTOR[1]: norm 1e+03; at",
        ),
    ],
)
def test_query_rows_refuse(text: Any, image: Any, weights: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        query_rows(text, image, None if weights is None else np.array(weights, np.float32), SPACE)
    assert str(caught.value).startswith(message)


def test_a_zero_vector_is_taken() -> None:
    assert not query_rows(np.zeros((1, tiny.DIM), np.float32), None, None, SPACE).any()


def test_weights_at_the_end_of_the_range_are_weights() -> None:
    text, image = unit(1), unit(2)
    huge = query_rows(text, image, np.array([[3e38, 3e38]], np.float32), SPACE)
    np.testing.assert_allclose(huge, query_rows(text, image, None, SPACE), atol=1e-6)


def found(answer: Answered) -> Found:
    assert isinstance(answer, Found), answer
    return answer


def test_a_search_that_fails_is_told_to_each_request(tiny_pipeline: Pipeline) -> None:
    index = tiny_pipeline.index

    class Failing:
        def search(self, queries: Any, counts: Any, passing: Any, boosts: Any = None) -> list[Hits]:
            if len(queries) > 1 or queries[0, 0] > 0:
                raise MemoryError("too much")
            return index.engine.search(queries, counts, passing, boosts)

        def added(self, first: int) -> None:
            raise NotImplementedError

    retrieval = Retrieval(Still(Index(index.slots, Failing())), SPACE)
    text = np.abs(unit(1))
    first, second = retrieval.answer([{"TEXT_VECTOR": text}, {"TEXT_VECTOR": -text}])
    assert isinstance(first, MemoryError)
    assert len(found(second).ids[0]) == 10


class OnGpu(Index):
    """An index that takes vectors where they lie, and looks at their values when it searches."""

    on_gpu = True


class Looking:
    """An engine that refuses bad queries once they are there."""

    def __init__(self, index: Index) -> None:
        self._index, self.searched = index, list[int]()

    def search(self, queries: Any, counts: Any, passing: Any, boosts: Any = None) -> list[Hits]:
        self.searched.append(len(queries))
        bad = torch.isfinite(torch.as_tensor(queries)).all(dim=1).logical_not()
        if bad.any():
            raise BadQueries("NaN or infinity", bad.nonzero()[:, 0].tolist())
        return self._index.engine.search(np.asarray(queries), counts, passing, boosts)

    def added(self, first: int) -> None:
        raise NotImplementedError


def broken(seed: int, batch: int, row: int) -> torch.Tensor:
    vectors = torch.from_numpy(unit(seed, batch))
    vectors[row, 1] = torch.nan
    return vectors


def test_bad_vectors_on_the_gpu_are_refused_by_name_and_the_rest_is_searched_once(
    tiny_pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    engine = Looking(tiny_pipeline.index)
    retrieval = Retrieval(Still(OnGpu(tiny_pipeline.index.slots, engine)), SPACE)
    good: Tensors = {"TEXT_VECTOR": torch.from_numpy(unit(1, 2))}
    requests: list[Tensors] = [
        good,
        {"TEXT_VECTOR": broken(2, 1, 0)},
        {"K": np.array([[0]], np.int32), **good},
        {"TEXT_VECTOR": torch.from_numpy(unit(3, 2)), "IMAGE_VECTOR": broken(4, 2, 1)},
        {"IMAGE_VECTOR": torch.from_numpy(unit(5))},
    ]
    answers = retrieval.answer(requests)
    assert [str(answer) for answer in answers if isinstance(answer, InvalidInput)] == [
        "TEXT_VECTOR: NaN or infinity",
        "K: 1 values for 2 rows; one a row is needed",
        "TEXT_VECTOR, IMAGE_VECTOR[1]: NaN or infinity",
    ]
    assert [len(found(answers[number]).ids) for number in (0, 4)] == [2, 1]
    assert engine.searched == [6, 3]
    assert not caplog.records


def test_the_engine_of_the_gpu_tells_all_bad_queries(
    tiny_pipeline: Pipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny_pipeline.index.save(tmp_path)
    index = Index.open(tmp_path, engine=EngineChoice("gpu"))
    requests: list[Tensors] = [
        {"TEXT_VECTOR": broken(1, 2, 1)},
        {"TEXT_VECTOR": torch.from_numpy(unit(2))},
        {"IMAGE_VECTOR": broken(3, 1, 0)},
    ]
    first, second, third = Retrieval(Still(index), SPACE).answer(requests)
    assert str(first).startswith("TEXT_VECTOR[1]: NaN or infinity")
    assert len(found(second).ids[0]) == 10
    assert str(third).startswith("IMAGE_VECTOR: NaN or infinity")
    assert index.on_gpu
    assert not caplog.records


def test_only_vectors_are_left_on_the_gpu(tiny_pipeline: Pipeline) -> None:
    retrieval = Retrieval(Still(OnGpu(tiny_pipeline.index.slots, Looking(tiny_pipeline.index))), SPACE)
    request: dict[str, Any] = {
        "TEXT_VECTOR": unit(1, 2),
        "IMAGE_VECTOR": unit(2, 2),
        "WEIGHTS": np.array([[2, 1], [1, -1]], np.float32),
        "K": np.array([[3], [5]], np.int32),
        "MIN_SEQ": np.zeros((2, 1), np.int64),
    }
    there = {name: torch.from_numpy(values) for name, values in request.items()}
    ranks = {"RANK": np.array([[b"2 * similarity"], [b""]], object)}
    here, remote = retrieval.answer([request | ranks, there | ranks])
    assert found(remote).ids == found(here).ids
    for one, other in zip(found(here).hits, found(remote).hits, strict=True):
        np.testing.assert_array_equal(one.scores, other.scores)


def test_a_search_that_fails_for_one_request_is_not_tried_again(
    tiny_pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Looking):
        def search(self, queries: Any, *_: Any) -> list[Hits]:
            self.searched.append(len(queries))
            raise MemoryError("too much")

    engine = Failing(tiny_pipeline.index)
    (answer,) = Retrieval(Still(Index(tiny_pipeline.index.slots, engine)), SPACE).answer([{"TEXT_VECTOR": unit(1)}])
    assert isinstance(answer, MemoryError)
    assert engine.searched == [1]
    assert not caplog.records


def test_a_bad_request_leaves_its_neighbours_alone(tiny_pipeline: Pipeline) -> None:
    good = {"TEXT_VECTOR": unit(1, 2), "K": np.array([[3], [5]], np.int32)}
    bad: list[Tensors] = [
        {"TEXT_VECTOR": unit(1), "K": np.array([[0]], np.int32)},
        {"TEXT_VECTOR": unit(1), "K": np.array([[101]], np.int32)},
        {"TEXT_VECTOR": unit(1, 2), "FILTER": np.array([[b""], [b"{"]], object)},
        {},
        {"TEXT_VECTOR": unit(1, 2), "MIN_SEQ": np.array([[0], [-1]], np.int64)},
        {"TEXT_VECTOR": unit(1, 2), "K": np.array([[1]], np.int32)},
    ]
    answers = tiny_pipeline.retrieval.answer([good, *bad, good])
    assert [str(answer) for answer in answers[1:4] if isinstance(answer, Exception)] == [
        "K: 0; 1 to 100 are allowed",
        "K: 101; 1 to 100 are allowed",
        "FILTER[1]: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ]
    assert isinstance(answers[4], InvalidInput)
    assert str(answers[5]) == "MIN_SEQ[1]: -1; a sequence number of at least 0 is needed"
    assert str(answers[6]) == "K: 1 values for 2 rows; one a row is needed"
    for answer in (answers[0], answers[-1]):
        assert [len(ids) for ids in found(answer).ids] == [3, 5]


def test_rectangle_pads_and_counts(tiny_pipeline: Pipeline) -> None:
    request = {"TEXT_VECTOR": unit(1, 2), "K": np.array([[2], [4]], np.int32)}
    full, bare = tiny_pipeline.retrieval.answer([request, request], documents=[True, False])
    tensors = rectangle(found(full))
    assert tensors["PRODUCT_ID"].shape == tensors["SCORE"].shape == tensors["PRODUCT"].shape == (2, 4)
    assert tensors["COUNT"].tolist() == [[2], [4]]
    assert tensors["SEQ"].tolist() == [[0], [0]]
    assert tensors["PRODUCT_ID"][0, 2:].tolist() == [b"", b""]
    assert np.isneginf(tensors["SCORE"][0, 2:]).all()
    assert "PRODUCT" not in rectangle(found(bare))


def living() -> tuple[TwinCatalogue, TwinJournal, Follower]:
    catalogue = TwinCatalogue(SPACE)
    for product in tiny.products(10):
        catalogue.upsert(product, np.ones(SPACE.row_dim))
    journal = TwinJournal(catalogue)
    return catalogue, journal, Follower(index_of(catalogue), journal)


def at_least(seq: int) -> dict[str, NDArray[Any]]:
    return {"TEXT_VECTOR": unit(1), "MIN_SEQ": np.array([[seq]], np.int64), "K": np.array([[100]], np.int32)}


def test_min_seq_is_waited_for() -> None:
    catalogue, _, follower = living()
    follower.start()
    retrieval = Retrieval(follower, SPACE)
    for number in range(20):
        seq = catalogue.delete(f"P{number:03}") if number < 10 else catalogue.upsert({"id": "new"}, np.ones(16))
        answer = found(retrieval.answer([at_least(seq)])[0])
        assert answer.seq == seq
        assert len(answer.ids[0]) == (9 - number if number < 10 else 1)
    follower.stop()


def test_a_number_that_is_not_there_is_refused_and_its_neighbours_are_answered() -> None:
    catalogue, journal, follower = living()
    follower.start()
    retrieval = Retrieval(follower, SPACE)
    head = catalogue.delete("P001")
    first, refused, last = retrieval.answer([at_least(head), at_least(10**12), {"TEXT_VECTOR": unit(1)}])
    assert found(first).seq == found(last).seq == head
    assert isinstance(refused, Behind)
    told = r"MIN_SEQ: 1000000000000 is wanted, this replica has applied 11 after \d\.\d s; ask again"
    assert re.match(told, str(refused))
    journal.broken = OSError("no route")
    catalogue.delete("P002")
    (refused,) = retrieval.answer([at_least(head + 1)])
    assert str(refused).endswith("; the catalogue cannot be followed at the moment, so ask again later")
    follower.stop()


def test_an_index_that_follows_nothing_says_so_at_once(tiny_pipeline: Pipeline) -> None:
    (refused,) = tiny_pipeline.retrieval.answer([at_least(1)])
    assert str(refused).startswith("MIN_SEQ: 1 is wanted, this replica has applied 0 after 0.0 s; ")


def test_nothing_passes_is_an_empty_answer(tiny_pipeline: Pipeline) -> None:
    (hits,) = tiny_pipeline.search(["red mug"], filter='{"eq": ["color", "purple"]}')
    assert hits == []


def test_pipeline_equals_a_computation_by_hand(tiny_pipeline: Pipeline) -> None:
    photo = tiny.picture(tiny.COLOURS["green"], 99)
    query = query_rows(
        tiny_pipeline.encoders.embed_text(["green chair"]), tiny_pipeline.encoders.embed_image([photo]), None, SPACE
    )
    products = tiny.products()
    rows = tiny_pipeline.encoders.embed_product(products, tiny.pictures(products)).astype(np.float16)
    scores = rows.astype(np.float64) @ query[0].astype(np.float64)
    expected = [products[slot]["id"] for slot in np.argsort(-scores, kind="stable")[:7]]
    (hits,) = tiny_pipeline.search(["green chair"], [photo], k=7)
    assert [hit.id for hit in hits] == expected
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(scores)[::-1][:7], atol=1e-6)


def test_each_row_has_its_own_business_score(tiny_pipeline: Pipeline) -> None:
    ranks = [b"", b"0.5 * similarity + 0.02 * number", b"3 * similarity", b"similarity + fill(price, 90) / 10"]
    text = np.tile(unit(3), (4, 1))
    request = {"TEXT_VECTOR": text, "RANK": np.array(ranks, object)[:, None], "K": np.full((4, 1), 40, np.int32)}
    plain, popular, scaled, dear = (dict(zip(*row, strict=True)) for row in told(tiny_pipeline, request))
    products = {product["id"]: product for product in tiny.products()}
    number = {name: product["attributes"]["number"] for name, product in products.items()}
    price = {name: 90 if product["price"] is None else product["price"] for name, product in products.items()}
    assert list(scaled) == list(plain)
    for name, score in plain.items():
        assert popular[name] == pytest.approx(0.5 * score + 0.02 * number[name], abs=1e-6)
        assert scaled[name] == pytest.approx(3 * score, abs=1e-6)
        assert dear[name] == pytest.approx(score + price[name] / 10, abs=1e-5)


def told(pipeline: Pipeline, request: Tensors) -> list[tuple[list[str], list[float]]]:
    """Ids and scores of each row."""
    answer = found(pipeline.retrieval.answer([request])[0])
    return [(ids, hits.scores.tolist()) for ids, hits in zip(answer.ids, answer.hits, strict=True)]


def test_the_first_of_a_business_score_is_not_among_the_most_similar(tiny_pipeline: Pipeline) -> None:
    similar = [hit.id for hit in tiny_pipeline.search(["red mug"], k=39)[0]]
    (other,) = {product["id"] for product in tiny.products()} - set(similar)
    number = float(other.removeprefix("P"))
    ((first,),) = tiny_pipeline.search(["red mug"], k=1, rank=f"similarity - 9 * abs(number - {number})")
    assert first.id == other


@pytest.mark.parametrize(
    ("ranks", "message"),
    [
        ([b"similarity +"], "RANK: not an expression: invalid syntax"),
        ([b"", b"2 * price"], "RANK[1]: similarity does not occur; exactly once is needed"),
        (
            [b"similarity", b"similarity + cost"],
            "RANK[1]: 'cost' is no column; this catalogue has available, new, number",
        ),
        ([b"similarity + color", b""], "RANK[0]: 'color' is no number; this catalogue has"),
        ([b"similarity"] * 3, "RANK: 3 values for 2 rows; one a row is needed"),
    ],
)
def test_a_bad_business_score_is_refused_with_its_row(
    tiny_pipeline: Pipeline, ranks: list[bytes], message: str
) -> None:
    good = {"TEXT_VECTOR": unit(1)}
    request = {"TEXT_VECTOR": unit(1, min(len(ranks), 2)), "RANK": np.array(ranks, object)[:, None]}
    refused, answered = tiny_pipeline.retrieval.answer([request, good])
    assert isinstance(refused, InvalidInput)
    assert str(refused).startswith(message)
    assert len(found(answered).ids[0]) == 10


def test_a_product_without_a_picture_has_a_zero_half(tiny_pipeline: Pipeline) -> None:
    row = tiny_pipeline.encoders.embed_product([{"title": "red mug", "attributes": {}}], [b""])[0]
    assert np.linalg.norm(row[: tiny.DIM]) == pytest.approx(1, abs=1e-5)
    assert not row[tiny.DIM :].any()
