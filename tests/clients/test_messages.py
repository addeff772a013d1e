from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients import messages
from clients.errors import BadInput, ServerFault
from clients.tensors import Array, Call
from clients.values import Answer, Query, Result


class Outputs(dict[str, Array]):
    def as_numpy(self, name: str) -> Array | None:
        return self.get(name)


def inputs(call: Call[Any]) -> Mapping[str, list[list[Any]]]:
    return {tensor.name: tensor.data.tolist() for tensor in call.inputs}


@pytest.mark.parametrize(
    ("query", "model", "sent"),
    [
        (Query(text="mug"), "search_text", {"K": [[10]], "TEXT": [[b"mug"]]}),
        (Query(text="tasse à café", k=3), "search_text", {"K": [[3]], "TEXT": [["tasse à café".encode()]]}),
        (Query(text="", filter=""), "search_text", {"K": [[10]], "TEXT": [[b""]], "FILTER": [[b""]]}),
        (Query(image=b"\xff\xd8\0\0"), "search_image", {"K": [[10]], "IMAGE": [[b"\xff\xd8\0\0"]]}),
        (
            Query("mug", b"jpeg", (0.5, -2), 1, {"in": ["id", ["ä"]]}),
            "search",
            {"K": [[1]], "TEXT": [[b"mug"]], "IMAGE": [[b"jpeg"]], "WEIGHTS": [[0.5, -2.0]],
             "FILTER": [['{"in": ["id", ["ä"]]}'.encode()]]},
        ),
        (
            Query("mug", rank="similarity - 0.1 * prix_€"),
            "search_text",
            {"K": [[10]], "TEXT": [[b"mug"]], "RANK": [["similarity - 0.1 * prix_€".encode()]]},
        ),
        (Query("mug", min_seq=2**40), "search_text", {"K": [[10]], "TEXT": [[b"mug"]], "MIN_SEQ": [[2**40]]}),
    ],
)  # fmt: skip
def test_a_query_becomes_tensors(query: Query, model: str, sent: dict[str, object]) -> None:
    call = messages.search([query])
    assert call.model == model
    assert inputs(call) == sent


def test_the_datatypes_are_those_of_the_models() -> None:
    call = messages.search([Query("mug", b"jpeg", (1, 1), 1, "{}", 7, "similarity")])
    assert {tensor.name: (tensor.datatype, tensor.data.shape) for tensor in call.inputs} == {
        "K": ("INT32", (1, 1)),
        "TEXT": ("BYTES", (1, 1)),
        "IMAGE": ("BYTES", (1, 1)),
        "WEIGHTS": ("FP32", (1, 2)),
        "FILTER": ("BYTES", (1, 1)),
        "RANK": ("BYTES", (1, 1)),
        "MIN_SEQ": ("INT64", (1, 1)),
    }


def test_the_rows_of_a_request_keep_their_own_settings() -> None:
    second = Query("b", b"2", weights=(1, 0), filter='{"eq": ["id", "x"]}', min_seq=7, rank=b"similarity")
    call = messages.search([Query("a", b"1", k=1), second])
    assert inputs(call) == {
        "K": [[1], [10]],
        "TEXT": [[b"a"], [b"b"]],
        "IMAGE": [[b"1"], [b"2"]],
        "WEIGHTS": [[1.0, 1.0], [1.0, 0.0]],
        "FILTER": [[b""], [b'{"eq": ["id", "x"]}']],
        "RANK": [[b""], [b"similarity"]],
        "MIN_SEQ": [[0], [7]],
    }


@pytest.mark.parametrize(("text", "sent"), [(b"\xff\xfe", b"\xff\xfe"), ("\ud800", b"\xed\xa0\x80"), ("a\0", b"a\0")])
def test_a_text_that_is_not_utf8_is_sent_for_the_server_to_judge(text: str | bytes, sent: bytes) -> None:
    assert inputs(messages.search([Query(text=text)]))["TEXT"] == [[sent]]
    assert inputs(messages.embed_text([text]))["TEXT"] == [[sent]]


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([], "queries: none; give at least one"),
        ([Query(text="a"), Query(image=b"b")], r"queries\[1\]: is for search_image, queries\[0\] for search_text"),
        ([Query(text="a", k=2**31)], "K: 2147483648 does not fit a 32-bit integer"),
        ([Query(text="a", min_seq=2**63)], "MIN_SEQ: 9223372036854775808 does not fit a 64-bit integer"),
        ([Query(text="a", filter={"eq": object()})], "FILTER: cannot be written as JSON"),
        ([Query(image=Path("nowhere/photo.jpg"))], "IMAGE: cannot read 'nowhere/photo.jpg': No such file or directory"),
        ([Query(image=Path("a\0b"))], "IMAGE: cannot read"),
    ],
)
def test_what_cannot_be_sent_is_refused_here(queries: list[Query], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        messages.search(queries)


def test_a_query_needs_an_input_and_weights_need_both() -> None:
    with pytest.raises(BadInput, match="TEXT and IMAGE: both missing"):
        Query()
    with pytest.raises(BadInput, match="WEIGHTS: given for one input"):
        Query(text="a", weights=(1, 1))


@pytest.mark.parametrize(
    "query",
    [Query("a", k=0), Query("a", k=-1), Query("a", b"", (0, 0)), Query("a", b"", (1e300, 1)), Query("a", filter={})],
)
def test_what_the_server_judges_is_sent(query: Query) -> None:
    assert messages.search([query]).inputs


def test_a_picture_is_sent_as_its_file_has_it(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"not a jpeg at all\0")
    assert inputs(messages.embed_image([tmp_path / "photo.jpg"]))["IMAGE"] == [[b"not a jpeg at all\0"]]


def test_products_are_sent_as_json_with_an_empty_picture_where_there_is_none() -> None:
    call = messages.embed_product([({"title": "Tasse"}, None), ({"price": 1}, b"png")])
    assert call.model == "embed_product"
    assert inputs(call) == {"PRODUCT": [[b'{"title": "Tasse"}'], [b'{"price": 1}']], "IMAGE": [[b""], [b"png"]]}
    with pytest.raises(BadInput, match="PRODUCT: no rows"):
        messages.embed_product([])


def outputs(**changes: Array) -> Outputs:
    mug = {
        "title": "Mug",
        "category": "Kitchen/Mugs",
        "price": 4.5,
        "available": True,
        "image": "m.png",
        "attributes": {"colour": "red"},
    }
    found = {
        "PRODUCT_ID": np.array([[b"m", "ä".encode()], [b"m", b""]], dtype=object),
        "SCORE": np.array([[0.75, 0.5], [0.25, -np.inf]], dtype=np.float32),
        "PRODUCT": np.array([[json.dumps(mug).encode(), b"{}"], [b'{"price": null}', b""]], dtype=object),
        "COUNT": np.array([[2], [1]], dtype=np.int32),
        "RELEASE": np.array([[7], [7]], dtype=np.int64),
        "SEQ": np.array([[2**40], [5]], dtype=np.int64),
    }
    return Outputs(found | changes)


def test_an_answer_is_read_and_its_padding_left_out() -> None:
    mug = Result("m", 0.75, "Mug", "Kitchen/Mugs", 4.5, True, "m.png", {"colour": "red"})
    assert messages.search([Query("a")]).parse(outputs()) == [
        Answer(7, 2**40, (mug, Result("ä", 0.5))),
        Answer(7, 5, (Result("m", 0.25),)),
    ]


def test_an_answer_becomes_json() -> None:
    answer = messages.read_answers(outputs())[0]
    told = json.loads(json.dumps(answer.to_dict()))
    assert told["release"] == 7
    assert told["results"][0] == {
        "id": "m", "score": 0.75, "title": "Mug", "category": "Kitchen/Mugs", "price": 4.5, "available": True,
        "image": "m.png", "attributes": {"colour": "red"},
    }  # fmt: skip
    assert [result["id"] for result in told["results"]] == ["m", "ä"]


@pytest.mark.parametrize("product", [b"", b"[]", b"null", b'{"price": "dear"}', b'{"attributes": 3}', b"\xff"])
def test_a_product_that_is_not_one_is_the_server_s_fault(product: bytes) -> None:
    with pytest.raises(ServerFault, match="PRODUCT b'm': not the JSON of a product"):
        messages.read_result(b"m", 1.0, product)


def test_a_missing_output_is_the_server_s_fault() -> None:
    found = outputs()
    del found["SEQ"]
    with pytest.raises(ServerFault, match="has no SEQ"):
        messages.read_answers(found)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_every_row_has_as_many_results_as_its_count(counts: list[int]) -> None:
    rows, width = len(counts), 5
    found = outputs(
        PRODUCT_ID=np.full((rows, width), b"p", dtype=object),
        SCORE=np.zeros((rows, width), np.float32),
        PRODUCT=np.full((rows, width), b"{}", dtype=object),
        COUNT=np.array(counts, np.int32).reshape(-1, 1),
        RELEASE=np.ones((rows, 1), np.int64),
        SEQ=np.zeros((rows, 1), np.int64),
    )
    assert [len(answer.results) for answer in messages.read_answers(found)] == counts
