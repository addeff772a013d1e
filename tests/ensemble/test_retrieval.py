from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.index import Hits
from ensemble.pipeline import Pipeline
from ensemble.retrieval import Retrieval, query_rows, rectangle
from tests import tiny

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
    ],
)
def test_query_rows_refuse(text: Any, image: Any, weights: Any, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        query_rows(text, image, None if weights is None else np.array(weights, np.float32), SPACE)
    assert str(caught.value).startswith(message)


def test_weights_at_the_end_of_the_range_are_weights() -> None:
    text, image = unit(1), unit(2)
    huge = query_rows(text, image, np.array([[3e38, 3e38]], np.float32), SPACE)
    np.testing.assert_allclose(huge, query_rows(text, image, None, SPACE), atol=1e-6)


def test_a_search_that_fails_is_told_to_each_request(tiny_pipeline: Pipeline) -> None:
    class Failing:
        def search(self, queries: NDArray[np.float32], counts: Any, masks: Any) -> list[Hits]:
            if len(queries) > 1 or queries[0, 0] > 0:
                raise MemoryError("too much")
            return tiny_pipeline.retrieval.engine.search(queries, counts, masks)

    retrieval = Retrieval(tiny_pipeline.retrieval.slots, Failing(), SPACE)
    text = np.abs(unit(1))
    first, second = retrieval.answer([{"TEXT_VECTOR": text}, {"TEXT_VECTOR": -text}])
    assert isinstance(first, MemoryError)
    assert not isinstance(second, Exception)
    assert len(second[0].slots) == 10


def test_a_bad_request_leaves_its_neighbours_alone(tiny_pipeline: Pipeline) -> None:
    good = {"TEXT_VECTOR": unit(1, 2), "K": np.array([[3], [5]], np.int32)}
    bad = [
        {"TEXT_VECTOR": unit(1), "K": np.array([[0]], np.int32)},
        {"TEXT_VECTOR": unit(1), "K": np.array([[101]], np.int32)},
        {"TEXT_VECTOR": unit(1, 2), "FILTER": np.array([[b""], [b"{"]], object)},
        {},
    ]
    answers = tiny_pipeline.retrieval.answer([good, *bad, good])
    assert [str(answer) for answer in answers[1:4] if isinstance(answer, Exception)] == [
        "K: 0; 1 to 100 are allowed",
        "K: 101; 1 to 100 are allowed",
        "FILTER[1]: not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ]
    assert isinstance(answers[4], InvalidInput)
    for answer in (answers[0], answers[-1]):
        assert not isinstance(answer, Exception)
        assert [len(hits.slots) for hits in answer] == [3, 5]


def test_rectangle_pads_and_counts(tiny_pipeline: Pipeline) -> None:
    request = {"TEXT_VECTOR": unit(1, 2), "K": np.array([[2], [4]], np.int32)}
    (answer,) = tiny_pipeline.retrieval.answer([request])
    assert not isinstance(answer, Exception)
    tensors = rectangle(answer, tiny_pipeline.retrieval.slots)
    assert tensors["PRODUCT_ID"].shape == tensors["SCORE"].shape == tensors["PRODUCT"].shape == (2, 4)
    assert tensors["COUNT"].tolist() == [[2], [4]]
    assert tensors["PRODUCT_ID"][0, 2:].tolist() == [b"", b""]
    assert np.isneginf(tensors["SCORE"][0, 2:]).all()
    assert "PRODUCT" not in rectangle(answer, tiny_pipeline.retrieval.slots, documents=False)


def test_nothing_passes_is_an_empty_answer(tiny_pipeline: Pipeline) -> None:
    (hits,) = tiny_pipeline.search(["red mug"], filter='{"eq": ["color", "purple"]}')
    assert hits == []


def test_pipeline_equals_a_computation_by_hand(tiny_pipeline: Pipeline) -> None:
    photo = tiny.picture(tiny.COLOURS["green"], 99)
    query = query_rows(
        tiny_pipeline.encoders.embed_text(["green chair"]), tiny_pipeline.encoders.embed_image([photo]), None, SPACE
    )
    products = tiny.products()
    rows = tiny_pipeline.encoders.embed_product(products, tiny.pictures(products))
    scores = rows.astype(np.float64) @ query[0].astype(np.float64)
    expected = [products[slot]["id"] for slot in np.argsort(-scores, kind="stable")[:7]]
    (hits,) = tiny_pipeline.search(["green chair"], [photo], k=7)
    assert [hit.id for hit in hits] == expected
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(scores)[::-1][:7], atol=1e-6)


def test_a_product_without_a_picture_has_a_zero_half(tiny_pipeline: Pipeline) -> None:
    row = tiny_pipeline.encoders.embed_product([{"title": "red mug", "attributes": {}}], [b""])[0]
    assert np.linalg.norm(row[: tiny.DIM]) == pytest.approx(1, abs=1e-5)
    assert not row[tiny.DIM :].any()
