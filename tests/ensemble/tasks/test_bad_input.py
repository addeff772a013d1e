"""Whatever is wrong with a request, it is told: which input, what was wrong, what is allowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.index import Still
from ensemble.tasks import Recommender
from tests.ensemble.tasks.shops import NOW_S, answer, catalogue, index_of, recommender, request, shop_of, texts

ROW = np.ones((1, 36), np.float32)


@pytest.fixture(scope="module")
def asked() -> Recommender:
    return recommender()


def refusal(asked: Recommender, given: dict[str, NDArray[Any]]) -> str:
    (error,) = asked.answer([given])
    assert isinstance(error, InvalidInput), error
    return str(error)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "PRODUCT_ID: no input at all; give at least one product, or ROW and PRODUCT of one"),
        (request(""), "PRODUCT_ID: no product; give at least one, or ROW and PRODUCT of one"),
        (request(task="complement"), "PRODUCT_ID: no product; give at least one"),
        (
            request("X1", "X2"),
            "PRODUCT_ID: 'X1', 'X2': not in the index; ids of products that have a vector are needed",
        ),
        (request("X1", "P2", weights=[1, -1]), "PRODUCT_ID: 'X1': not in the index"),
        (request(*["P1"] * 10_001), "PRODUCT_ID: 10,001 values; at most 10,000 are allowed"),
        (request("P1", seen=["P2"] * 10_001), "SEEN: 10,001 values; at most 10,000 are allowed"),
        (request(b"\xff"), "PRODUCT_ID: not UTF-8"),
        (
            request("P1", task="cart"),
            "TASK: 'cart' is no profile of this release; its profiles are similar, complement",
        ),
        (request("P1", k=0), "K: 0; 1 to 200 are allowed"),
        (request("P1", k=201), "K: 201; 1 to 200 are allowed"),
        (request("P1", min_seq=-1), "MIN_SEQ: -1; at least 0 is needed"),
        (request("P1", filter="{"), "FILTER: not JSON"),
        (request("P1", filter={"eq": ["colour", "red"]}), 'FILTER.eq: unknown field "colour"'),
        (request("P1", "P2", weights=[1]), "WEIGHTS: 1 values for 2 products; one each is needed"),
        (request("P1", weights=[np.nan]), "WEIGHTS: [nan] is not finite; finite numbers are needed"),
        (request("P1", "P2", weights=[0, 0]), "WEIGHTS: [0.0, 0.0]: all are zero; at least one weight above 0"),
        (request("P1", "P2", weights=[-1, 0]), "WEIGHTS: [-1.0, 0.0]: none is above 0"),
        (request("P1", "P1", weights=[1, -1]), "WEIGHTS: [0.0]: all are zero"),
        (request("P1", "P2", times=[1]), "TIMES: 1 values for 2 products; one each is needed"),
        (request("P1", times=[int(NOW_S) + 301]), "TIMES: 1800000301 lies 301 s ahead of now; at most 300 is allowed"),
        (request("P1", times=[-1]), "TIMES: -1; unix seconds of at least 0 are needed"),
        (request("P1", nearest=0), "NEAREST: 0; 1 to 20 are allowed by profile 'similar', and -1 for its own value"),
        (request("P1", task="inspire", nearest=21), "NEAREST: 21; 1 to 20 are allowed by profile 'inspire'"),
        (request("P1", skip=21), "SKIP: 21; 0 to 20 are allowed"),
        (request("P1", diversity=1.1), "DIVERSITY: 1.1; 0 to 1 are allowed"),
        (request("P1", diversity=np.nan), "DIVERSITY: nan; 0 to 1 are allowed"),
        (request("P1", per_category=201), "PER_CATEGORY: 201; 0 to 200 are allowed"),
        (request("P1", per_brand=-2), "PER_BRAND: -2; 0 to 200 are allowed"),
        (request("P1", category=["A"] * 21), "CATEGORY: 21 values; at most 20 are allowed"),
        (request("P1") | {"K": np.array([[1], [2]], np.int32)}, "PRODUCT_ID: 1 rows; other inputs have 2"),
        (request("P1") | {"K": np.array([[1, 2]], np.int32)}, "K: 2 values; one is needed"),
        ({"ROW": ROW}, "PRODUCT: missing beside ROW; a product that is not in the catalogue needs both"),
        (request(product={"title": "new"}), "ROW: missing beside PRODUCT"),
        ({"ROW": ROW, "PRODUCT": texts("{}")}, 'PRODUCT: a JSON object with at least a "title" is needed'),
        (
            {"ROW": ROW, "PRODUCT": texts('{"title": "a", "price": NaN}')},
            "PRODUCT.price: NaN; a finite number of at least",
        ),
        ({"ROW": ROW[:, :9], "PRODUCT": texts('{"title": "a"}')}, "ROW: 9 numbers; 36 are needed"),
        ({"ROW": ROW * np.nan, "PRODUCT": texts('{"title": "a"}')}, "ROW: norm nan; a finite one above 0"),
        ({"ROW": ROW * 0, "PRODUCT": texts('{"title": "a"}')}, "ROW: norm 0; a finite one above 0"),
        (request("P1") | {"ROW": ROW, "PRODUCT": texts('{"title": "a"}')}, "PRODUCT_ID: given beside ROW and PRODUCT"),
    ],
)
def test_it_is_refused_by_name(asked: Recommender, given: dict[str, NDArray[Any]], message: str) -> None:
    assert refusal(asked, given).startswith(message)


def test_products_that_cancel_out_are_refused() -> None:
    products, vectors = catalogue(20, 3)
    vectors[1] = vectors[0]
    asked = Recommender(shop_of(products, vectors), Still(index_of(products, vectors)))
    assert answer(asked, "P0", "P1", weights=[1, -0.5]).found.ids[0]
    for task in ("similar", "inspire"):
        assert refusal(asked, request("P0", "P1", weights=[1, -1], task=task)) == (
            "WEIGHTS: the products cancel each other out; other weights are needed"
        )


def test_the_row_of_a_mistake_is_told(asked: Recommender) -> None:
    given = {"PRODUCT_ID": np.array([[b"P1"], [b"X1"]], object)}
    assert refusal(asked, given).startswith("PRODUCT_ID[1]: 'X1': not in the index")
    given = {"PRODUCT_ID": np.array([[b"P1"], [b"P2"]], object), "K": np.array([[3], [0]], np.int32)}
    assert refusal(asked, given).startswith("K[1]: 0; 1 to 200")


def test_an_unknown_product_among_known_ones_is_left_out_and_told(asked: Recommender) -> None:
    found = answer(asked, "P1", "X1", k=3)
    assert found.found.ids == answer(asked, "P1", k=3).found.ids
    assert found.reasons == ["not in the index and left out: 'X1'"]


def test_a_long_history_is_cut_to_the_newest(asked: Recommender) -> None:
    names = [f"P{number % 110}" for number in range(9_999)]
    times = [int(NOW_S) - 9_999 + number for number in range(9_999)]  # the newest comes last
    newest = [f"P{number % 110}" for number in range(9_998, 9_898, -1)]
    for task in ("similar", "inspire"):
        cut = answer(asked, *newest, times=times[:-101:-1], task=task)
        assert answer(asked, *names, times=times, task=task).found.ids == cut.found.ids


def test_a_time_a_little_ahead_is_now(asked: Recommender) -> None:
    assert answer(asked, "P1", times=[int(NOW_S) + 299], task="inspire").found.ids[0]


def test_the_knobs_of_a_row_may_be_those_of_its_profile(asked: Recommender) -> None:
    knobs = {"nearest": -1, "skip": -1, "diversity": -1.0, "per_category": -1, "per_brand": -1}
    for task in ("similar", "complement", "inspire"):
        assert answer(asked, "P1", task=task, **knobs).found.ids == answer(asked, "P1", task=task).found.ids
