"""Only towers are cached, and a cached answer is never another request's."""

from __future__ import annotations

import re
import urllib.request

import numpy as np
import tritonclient.grpc as triton

from clients import Client
from deploy.server import Server

HITS = re.compile(r'nv_cache_num_hits_per_model\{model="(\w+)",version="\d+"\} (\d+)')


def hits(server: Server) -> dict[str, int]:
    with urllib.request.urlopen(server.metrics_url) as answer:  # noqa: S310 - our own loopback address
        return {name: int(count) for name, count in HITS.findall(answer.read().decode())}


def test_a_repeated_text_is_encoded_once_and_searched_anew(server: Server) -> None:
    with Client(server.grpc_url) as client:
        first = client.search(text="a text that nobody asked before")
        before = hits(server)
        again = client.search(text="a text that nobody asked before", k=3)
    after = hits(server)
    assert after["text_tower"] == before.get("text_tower", 0) + 1
    assert {name for name in after if after[name] != before.get(name, 0)} == {"text_tower"}
    assert [result.id for result in again.results] == [result.id for result in first.results[:3]]


def test_equal_bytes_in_another_shape_are_another_request(server: Server) -> None:
    ids = np.tile(np.arange(1000, 1016), 2)
    shapes = {(1, 32): [[32]], (2, 16): [[16], [16]]}
    with triton.InferenceServerClient(server.grpc_url.removeprefix("grpc://")) as raw:
        for _ in range(2):
            for shape, lengths in shapes.items():
                inputs = [
                    triton.InferInput("INPUT_IDS", shape, "INT64"),
                    triton.InferInput("LENGTHS", (shape[0], 1), "INT32"),
                ]
                inputs[0].set_data_from_numpy(ids.reshape(shape).astype(np.int64))
                inputs[1].set_data_from_numpy(np.array(lengths, np.int32))
                assert raw.infer("text_tower", inputs).as_numpy("TEXT_VECTOR").shape == (shape[0], 384)
