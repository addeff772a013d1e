"""A table of bad input: each is refused by name, its neighbours are served, and the server stays up."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from PIL import Image

from clients import BadInput, Client, Query
from deploy.server import Server
from tests.ensemble.test_image import animated, bomb, sixteen_bit_rgb
from tests.patient import PATIENT

TEXT = "a red mug"


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (200, 200), "red").save(file, "JPEG")
    return file.getvalue()


BAD: dict[str, tuple[Query, str]] = {
    "empty text": (Query(text=""), "TEXT: empty; give at least one character"),
    "blank text": (Query(text=" \n\t"), "TEXT: empty"),
    "long text": (Query(text="x" * 100_000), "TEXT: 100,000 bytes; at most 8,000 characters are allowed"),
    "not UTF-8": (Query(text=b"\xff\xfe mug"), "TEXT: not UTF-8: invalid start byte at byte 0"),
    "empty image": (Query(image=b""), "IMAGE: empty; send the bytes of a JPEG, PNG or WebP file"),
    "truncated JPEG": (Query(image=jpeg()[:700]), "IMAGE: damaged picture"),
    "a text as image": (Query(image=b"I am not a picture.\n" * 50), "IMAGE: not a picture that can be read"),
    "a bomb": (Query(image=bomb()), "IMAGE: 30000 x 30000 pixels; at most 16,000,000 in all are allowed"),
    "an animation": (Query(image=animated("WEBP")), "IMAGE: animated; send a still picture"),
    "16 bits": (Query(image=sixteen_bit_rgb()), "IMAGE: mode RGB with 16 bits a channel"),
    "K of 0": (Query(text=TEXT, k=0), "K: 0; 1 to 1,000 are allowed"),
    "K below 0": (Query(text=TEXT, k=-5), "K: -5; 1 to 1,000 are allowed"),
    "K too large": (Query(text=TEXT, k=1001), "K: 1001; 1 to 1,000 are allowed"),
    "malformed filter": (Query(text=TEXT, filter='{"eq": ['), "FILTER: not JSON"),
    "unknown operator": (Query(text=TEXT, filter={"like": ["title", "x"]}), "FILTER: unknown operator 'like'"),
    "unknown field": (Query(text=TEXT, filter={"eq": ["colour", "red"]}), 'FILTER.eq: unknown field "colour"'),
    "wrong type": (Query(text=TEXT, filter={"range": ["price", "1", 2]}), "FILTER.range: 'price' is compared with"),
    "half a character": (Query(text=TEXT, filter='{"eq": ["\\ud800", 1]}'), 'FILTER.eq: unknown field "\\ud800"'),
    "a number beyond floats": (Query(text=TEXT, filter={"eq": ["price", 10**400]}), "FILTER.eq: 'price' is compared"),
    "a score without similarity": (Query(text=TEXT, rank="price"), "RANK: similarity does not occur; exactly once"),
    "a score of code": (
        Query(text=TEXT, rank="similarity + open('x')"),
        "RANK: character 14, \"open('x')\": an unknown",
    ),
    "a score of words": (Query(text=TEXT, rank="similarity + color"), "RANK: 'color' is no number; this catalogue has"),
    "zero weights": (Query(text=TEXT, image=jpeg(), weights=(0, 0)), "WEIGHTS: [0.0, 0.0]: one that is not zero"),
    "infinite weight": (Query(text=TEXT, image=jpeg(), weights=(float("inf"), 1)), "WEIGHTS: [inf, 1.0] is not finite"),
}


@pytest.fixture(params=["grpc", "http"])
def url(request: pytest.FixtureRequest, server: Server) -> str:
    return server.grpc_url if request.param == "grpc" else server.http_url


@pytest.mark.parametrize("case", BAD)
def test_refused_by_name(url: str, case: str) -> None:
    query, message = BAD[case]
    with Client(url) as client:
        with pytest.raises(BadInput) as caught:
            client.search_many([query])
        assert str(caught.value).startswith(message)
        assert len(client.search(text=TEXT).results) == 10


def test_the_others_of_the_batch_are_served(url: str) -> None:
    queries = [query for query, _ in BAD.values()]
    good = [Query(text=f"{TEXT} {number}") for number in range(len(queries))]
    with Client(url, timeout_s=60, retries=PATIENT) as client:

        def ask(query: Query) -> int | str:
            try:
                return len(client.search_many([query])[0].results)
            except BadInput as error:
                return str(error)

        mixed = [query for pair in zip(queries, good, strict=True) for query in pair]
        with ThreadPoolExecutor(len(mixed)) as pool:
            answers = list(pool.map(ask, mixed))
    assert all(answer == 10 for answer in answers[1::2])
    for answer, (_, message) in zip(answers[::2], BAD.values(), strict=True):
        assert str(answer).startswith(message)


def test_the_row_is_named_where_a_request_has_several(url: str) -> None:
    with Client(url) as client:
        with pytest.raises(BadInput, match=r"^TEXT\[2\]: empty"):
            client.search_many([Query(text="a"), Query(text="b"), Query(text="")])
        with pytest.raises(BadInput, match=r"^K\[1\]: 0; 1 to 1,000"):
            client.search_many([Query(text="a"), Query(text="b", k=0)])


def _tensor(library: Any, name: str, values: Any, datatype: str) -> Any:
    array = np.array(values)
    tensor = library.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array)
    return tensor


RAW: dict[str, tuple[str, list[tuple[str, Any, str]], str]] = {
    "both inputs missing": ("search", [], "missing required input(s) ['TEXT','IMAGE']"),
    "both missing, with K": ("search", [("K", np.array([[3]], np.int32), "INT32")], "missing required input(s)"),
    "wrong dtype": (
        "search_text",
        [("TEXT", np.array([[b"x"]], object), "BYTES"), ("K", np.array([[3]], np.int64), "INT64")],
        "inference input 'K' data-type is 'INT64', but model 'search_text' expects 'INT32'",
    ),
    "wrong shape": (
        "search_text",
        [("TEXT", np.array([[b"x", b"y"]], object), "BYTES")],
        "unexpected shape for input 'TEXT' for model 'search_text'",
    ),
    "unknown input": (
        "search_text",
        [("TEXT", np.array([[b"x"]], object), "BYTES"), ("TOP_K", np.array([[3]], np.int32), "INT32")],
        "unexpected inference input 'TOP_K' for model 'search_text'",
    ),
    "no vector at all": (
        "retrieve",
        [("K", np.array([[3]], np.int32), "INT32")],
        "TEXT_VECTOR, IMAGE_VECTOR: both are missing",
    ),
    "not a number": (
        "retrieve",
        [("TEXT_VECTOR", np.full((1, 384), np.nan, np.float32), "FP32")],
        "TEXT_VECTOR: holds a value that is not finite",
    ),
    "unknown token": (
        "text_tower",
        [
            ("INPUT_IDS", np.full((1, 16), 10**9), "INT64"),
            ("LENGTHS", np.array([[16]], np.int32), "INT32"),
        ],
        "INPUT_IDS, LENGTHS: refused by the tower",
    ),
}


@pytest.mark.parametrize("case", RAW)
def test_raw_tensors_are_refused_by_name(server: Server, case: str) -> None:
    model, tensors, message = RAW[case]
    for library, url in ((triton_grpc, server.grpc_url), (triton_http, server.http_url)):
        with library.InferenceServerClient(url.split("//")[1]) as raw:
            with pytest.raises(Exception) as caught:  # noqa: PT011 - the class is tritonclient's for every error
                raw.infer(model, [_tensor(library, *tensor) for tensor in tensors])
            assert message in str(caught.value)
            assert getattr(caught.value, "status", lambda: "")() in ("StatusCode.INVALID_ARGUMENT", "400")


def test_the_server_is_unharmed(server: Server, sample: Path) -> None:
    picture = next((sample / "images").glob("*.jpg"))
    with Client(server.grpc_url) as client:
        assert len(client.search(text=TEXT, image=picture).results) == 10
