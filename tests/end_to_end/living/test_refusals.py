"""Bad writes: a clear error each, nothing is written, and the server goes on."""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc

from clients import BadInput, Client, TandemError
from clients.tensors import Call, byte_rows
from clients.values import Written
from clients.writes import read_written
from tests.end_to_end.living.conftest import Served
from tests.end_to_end.living.products import product

BAD: dict[str, tuple[dict[str, Any] | bytes, bytes, str]] = {
    "no JSON": (b"{", b"", "PRODUCT: not JSON"),
    "empty id": ({"id": ""}, b"", "PRODUCT.id: 0 characters; 1 to 256 are allowed"),
    "no id": ({"id": None}, b"", "PRODUCT.id: 0 characters"),
    "long id": ({"id": "x" * 257}, b"", "PRODUCT.id: 257 characters"),
    "no title": ({"title": None}, b"", 'PRODUCT: a JSON object with at least a "title" is needed'),
    "blank title": ({"title": " ", "category": ""}, b"", "PRODUCT: empty; give at least one character"),
    "unknown field": ({"colour": "red"}, b"", 'PRODUCT: unknown field "colour"; allowed: id, title, category, price'),
    "NaN": (b'{"id": "a", "title": "a", "price": NaN}', b"", "PRODUCT.price: NaN; a finite number of at least 0"),
    "a word as price": ({"price": "9"}, b"", 'PRODUCT.price: "9"; a finite number'),
    "a number as flag": ({"available": 1}, b"", "PRODUCT.available: 1; true or false is needed"),
    "10 MB": ({"attributes": {"note": "x" * 10_000_000}}, b"", "PRODUCT: 10,000,"),
    "100 levels": ({"attributes": {"a": json.loads("[" * 100 + "]" * 100)}}, b"", "PRODUCT.attributes.a: [[["),
    "another kind": (
        {"attributes": {"number": "many"}},
        b"",
        "PRODUCT: product 'BAD': attributes.number = 'many'; all",
    ),
    "NUL": ({"title": "a\0b"}, b"", "PRODUCT.title: holds a NUL character"),
    "half a character": (b'{"id": "BAD", "title": "\\ud800"}', b"", "PRODUCT.title: holds half of a surrogate pair"),
    "no picture": ({}, b"no picture", "IMAGE: not a picture that can be read"),
    "a path": ({"image": "../../etc/passwd"}, b"", "IMAGE: empty, though PRODUCT.image names '../../etc/passwd'"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_product_is_refused_by_name_and_the_next_is_written(client: Client, case: str) -> None:
    told, image, message = BAD[case]
    bad = told if isinstance(told, bytes) else json.dumps({**product(), "id": "BAD", **told}).encode()
    with pytest.raises(TandemError) as caught:
        client.run(upsert_bytes(bad, image))
    assert type(caught.value) is BadInput
    assert str(caught.value).startswith(message)
    assert not client.delete("BAD").found
    good = product()
    assert client.upsert(good).id == good["id"]
    assert client.delete(good["id"]).found


def upsert_bytes(data: bytes, image: bytes) -> Call[list[Written]]:
    return Call("upsert_product", (byte_rows("PRODUCT", [data]), byte_rows("IMAGE", [image])), read_written)


def test_bad_patches_and_ids_are_refused_by_name(client: Client) -> None:
    for bad, message in (
        ({"price": float("nan")}, "PATCH.price: NaN; a finite number"),
        ({"attributes": {"number": "many"}}, "PATCH: .*attributes.number = 'many'; allowed: a number"),
        ({"attributes": {"title": "a"}}, 'PATCH.attributes: "title"; a name that'),
    ):
        with pytest.raises(BadInput, match=message):
            client.patch("P001", **bad)
    with pytest.raises(BadInput, match="PRODUCT_ID: 0 characters"):
        client.delete("")
    with pytest.raises(BadInput, match=r"PRODUCT_ID\[1\]: not UTF-8"):
        client.delete_many(["a", "\ud800"])
    with pytest.raises(BadInput, match="batch-size must be <= 64"):
        client.delete_many(["nothing"] * 65)


def row_of(size: int, *, first: float = 1.0) -> Any:
    row = np.zeros((1, size), np.float32)
    row[0, 0] = first
    return row


@pytest.mark.parametrize(
    ("row", "space", "message"),
    [
        (row_of(24, first=np.nan), None, "ROW: holds a value that is not finite"),
        (row_of(24, first=np.inf), None, "ROW: holds a value that is not finite"),
        (row_of(24, first=3), None, "ROW: its text half has length 3; 1, or 0 for none"),
        (row_of(23), None, "unexpected shape for input 'ROW' for model 'commit_product'"),
        (row_of(24), b"f" * 64, "SPACE_ID: b'ffff"),
    ],
)
def test_rows_that_are_not_of_this_release_are_refused(
    served: Served, row: Any, space: bytes | None, message: str
) -> None:
    tensors = [("PRODUCT", [[json.dumps(product()).encode()]]), ("IMAGE", [[b""]])]
    tensors += [] if space is None else [("SPACE_ID", [[space]])]
    inputs = []
    for name, value in [*((name, np.array(value, object)) for name, value in tensors), ("ROW", row)]:
        inputs.append(triton_grpc.InferInput(name, list(value.shape), "FP32" if name == "ROW" else "BYTES"))
        inputs[-1].set_data_from_numpy(value)
    with (
        closing(triton_grpc.InferenceServerClient(served.server.grpc_url.split("//")[1])) as raw,
        pytest.raises(triton_grpc.InferenceServerException) as caught,
    ):
        raw.infer("commit_product", inputs)
    assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
    assert message in str(caught.value)
