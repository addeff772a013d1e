from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from clients import BadInput, Hit, Recommend, Recommendations, ServerFault
from clients.recommend_messages import read_recommendations, recommend
from clients.tensors import Array, Call


class Outputs(dict[str, Array]):
    def as_numpy(self, name: str) -> Array | None:
        return self.get(name)


def inputs(call: Call[Any]) -> Mapping[str, list[list[Any]]]:
    return {tensor.name: tensor.data.tolist() for tensor in call.inputs}


LEAST = {"TASK": [[b"similar"]], "K": [[10]]}


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        (Recommend("M1"), {"PRODUCT_ID": [[b"M1"]]}),
        (Recommend(), {"PRODUCT_ID": [[b""]]}),
        (Recommend(("M1", "ä")), {"PRODUCT_ID": [[b"M1", "ä".encode()]]}),
        (
            Recommend(("M1", ("M2", -0.5)), times=(1_700_000_000, 2**40)),
            {"PRODUCT_ID": [[b"M1", b"M2"]], "WEIGHTS": [[1.0, -0.5]], "TIMES": [[1_700_000_000, 2**40]]},
        ),
        (
            Recommend("M1", filter={"range": ["price", None, 9]}, seen="M2", categories=("Tea", "Mugs"), min_seq=2**40),
            {
                "PRODUCT_ID": [[b"M1"]], "FILTER": [[b'{"range": ["price", null, 9]}']], "SEEN": [[b"M2"]],
                "CATEGORY": [[b"Tea", b"Mugs"]], "MIN_SEQ": [[2**40]],
            },
        ),
        (
            Recommend("M1", nearest=0, skip=3, diversity=0.0, per_category=2, per_brand=0),
            {
                "PRODUCT_ID": [[b"M1"]], "NEAREST": [[0]], "SKIP": [[3]], "DIVERSITY": [[0.0]], "PER_CATEGORY": [[2]],
                "PER_BRAND": [[0]],
            },
        ),
    ],
)  # fmt: skip
def test_a_question_becomes_tensors_and_what_it_does_not_say_is_not_sent(
    query: Recommend, sent: dict[str, object]
) -> None:
    call = recommend([query])
    assert call.model == "recommend"
    assert inputs(call) == LEAST | sent


def test_a_product_that_is_not_in_the_catalogue_goes_to_a_model_of_its_own() -> None:
    call = recommend([Recommend(product={"title": "Tasse"}, image=b"png", task="complement", k=3)])
    assert call.model == "recommend_product"
    assert inputs(call) == {
        "PRODUCT": [[b'{"title": "Tasse"}']],
        "IMAGE": [[b"png"]],
        "TASK": [[b"complement"]],
        "K": [[3]],
    }
    assert inputs(recommend([Recommend(product={"title": "Tasse"})]))["IMAGE"] == [[b""]]


def test_the_datatypes_are_those_of_the_model() -> None:
    query = Recommend((("M1", 2),), (1,), "inspire", 1, "{}", ("M2",), ("Tea",), 1, 1, 1.0, 1, 1, 7)
    assert {tensor.name: (tensor.datatype, tensor.data.shape) for tensor in recommend([query]).inputs} == {
        "PRODUCT_ID": ("BYTES", (1, 1)), "WEIGHTS": ("FP32", (1, 1)), "TIMES": ("INT64", (1, 1)),
        "TASK": ("BYTES", (1, 1)), "K": ("INT32", (1, 1)), "FILTER": ("BYTES", (1, 1)), "SEEN": ("BYTES", (1, 1)),
        "CATEGORY": ("BYTES", (1, 1)), "NEAREST": ("INT32", (1, 1)), "SKIP": ("INT32", (1, 1)),
        "DIVERSITY": ("FP32", (1, 1)), "PER_CATEGORY": ("INT32", (1, 1)), "PER_BRAND": ("INT32", (1, 1)),
        "MIN_SEQ": ("INT64", (1, 1)),
    }  # fmt: skip


def test_rows_of_other_lengths_end_in_empty_ids_that_count_nothing() -> None:
    long = Recommend(("a", ("b", -1.0), "c"), times=(3, 2, 1), seen=("x", "y"), task="inspire")
    call = recommend([Recommend("a", times=(5,)), long, Recommend(min_seq=3)])
    assert inputs(call) == {
        "PRODUCT_ID": [[b"a", b"", b""], [b"a", b"b", b"c"], [b"", b"", b""]],
        "WEIGHTS": [[1.0, 0.0, 0.0], [1.0, -1.0, 1.0], [0.0, 0.0, 0.0]],
        "TIMES": [[5, 0, 0], [3, 2, 1], [0, 0, 0]],
        "TASK": [[b"similar"], [b"inspire"], [b"similar"]],
        "K": [[10], [10], [10]],
        "SEEN": [[b"", b""], [b"x", b"y"], [b"", b""]],
        "MIN_SEQ": [[0], [0], [3]],
    }


def test_a_setting_that_a_row_has_not_is_left_to_its_profile() -> None:
    call = recommend([Recommend("a", skip=0, diversity=0.5), Recommend("b", per_brand=2)])
    assert {name: rows for name, rows in inputs(call).items() if name in ("SKIP", "DIVERSITY", "PER_BRAND")} == {
        "SKIP": [[0], [-1]],
        "DIVERSITY": [[0.5], [-1.0]],
        "PER_BRAND": [[-1], [2]],
    }


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([], "queries: none; give at least one"),
        (
            [Recommend("a"), Recommend(product={})],
            r"queries\[1\]: is for recommend_product, queries",
        ),
        ([Recommend("a", times=(1,)), Recommend("b")], r"queries\[1\]: has no TIMES, others have; in one request all"),
        ([Recommend("a", times=(2**63,))], "TIMES: 9223372036854775808 does not fit a 64-bit integer"),
        ([Recommend("a", k=2**31)], "K: 2147483648 does not fit a 32-bit integer"),
        ([Recommend("a", nearest=-(2**31) - 1)], "NEAREST: -2147483649 does not fit"),
        ([Recommend("a", filter={"eq": object()})], "FILTER: cannot be written as JSON"),
    ],
)
def test_what_cannot_be_sent_is_refused_here(queries: list[Recommend], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        recommend(queries)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"products": ("M1", 0.5)}, "PRODUCT_ID: 0.5; allowed: an id, or a pair of an id and its weight"),
        ({"products": (("M1", "much"),)}, r"PRODUCT_ID: \('M1', 'much'\); allowed"),
        ({"products": "M1", "times": (1, 2)}, "TIMES: 2 for 1 products; give one a product, or none"),
        ({"products": "M1", "product": {}}, "PRODUCT_ID and PRODUCT: both given"),
        ({"products": "M1", "image": b"png"}, "IMAGE: given without PRODUCT"),
    ],
)
def test_a_question_that_contradicts_itself_is_none(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Recommend(**fields)


@pytest.mark.parametrize(
    "query",
    [
        Recommend("M1", k=0),
        Recommend("M1", task="no such"),
        Recommend((("M1", float("nan")),)),
        Recommend(product={"price": 3}),
    ],
)
def test_what_the_server_judges_is_sent(query: Recommend) -> None:
    assert recommend([query]).inputs


def outputs(**changes: Array) -> Outputs:
    found = {
        "RECOMMENDED_ID": np.array([[b"m", "ä".encode()], [b"m", b""]], dtype=object),
        "SCORE": np.array([[0.5, 0.75], [0.25, -np.inf]], dtype=np.float32),
        "RECOMMENDED": np.array([[b'{"title": "Mug"}', b"{}"], [b"{}", b""]], dtype=object),
        "RULE": np.array([[b"complement:K\xc3\xbcche", b"similar"], [b"popular:", b""]], dtype=object),
        "COUNT": np.array([[2], [1]], dtype=np.int32),
        "REASON": np.array([[b""], [b"nobody bought it"]], dtype=object),
        "RELEASE": np.array([[7], [7]], dtype=np.int64),
        "SEQ": np.array([[2**40], [5]], dtype=np.int64),
    }
    return Outputs(found | changes)


def test_an_answer_is_read_with_its_rules_and_its_reason() -> None:
    assert read_recommendations(outputs()) == [
        Recommendations(7, 2**40, (Hit("m", 0.5, "Mug", rule="complement:Küche"), Hit("ä", 0.75, rule="similar"))),
        Recommendations(7, 5, (Hit("m", 0.25, rule="popular:"),), "nobody bought it"),
    ]


def test_an_answer_becomes_json() -> None:
    told = json.loads(json.dumps(read_recommendations(outputs())[1].to_dict()))
    assert told.keys() == {"release", "seq", "reason", "hits"}
    assert told["reason"] == "nobody bought it"
    assert told["hits"] == [{
        "id": "m", "score": 0.25, "title": "", "category": "", "price": None, "available": None, "image": None,
        "attributes": {}, "rule": "popular:",
    }]  # fmt: skip


@pytest.mark.parametrize("name", ["RULE", "REASON", "RECOMMENDED"])
def test_a_missing_output_is_the_server_s_fault(name: str) -> None:
    found = outputs()
    del found[name]
    with pytest.raises(ServerFault, match=f"has no {name}"):
        read_recommendations(found)


def test_a_rule_that_is_no_text_is_the_server_s_fault() -> None:
    with pytest.raises(ServerFault, match=r"RULE b'\\xff': not UTF-8"):
        read_recommendations(outputs(RULE=np.array([[b"\xff", b"a"], [b"a", b""]], object)))
