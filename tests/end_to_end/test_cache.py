"""Only towers remember, and what they remember is never another request's."""

from __future__ import annotations

import re
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton
from numpy.typing import NDArray

from clients import Client
from deploy.server import Server
from ensemble.towers import Tower

HITS = re.compile(r'tandem_tower_cache_hits_total\{model="(\w+)",process="\d+",release="1"\} (\d+)')


def hits(server: Server) -> Counter[str]:
    with urllib.request.urlopen(server.metrics_url) as answer:  # noqa: S310 - our own loopback address
        counts = Counter[str]()
        for name, count in HITS.findall(answer.read().decode()):
            counts[name] += int(count)
        return counts


def test_a_repeated_text_is_encoded_once_and_searched_anew(server: Server) -> None:
    before = hits(server)["text_tower"]
    with Client(server.grpc_url) as client:
        first = client.search(text="a text that nobody asked before")
        # Two instances remember each for itself, and count once a second.
        deadline = time.monotonic() + 20
        while hits(server)["text_tower"] == before and time.monotonic() < deadline:
            again = client.search(text="a text that nobody asked before", k=3)
            assert [result.id for result in again.results] == [result.id for result in first.results[:3]]
    assert hits(server)["text_tower"] > before


def test_a_failed_request_is_not_remembered(server: Server) -> None:
    with triton.InferenceServerClient(server.grpc_url.removeprefix("grpc://")) as raw:
        inputs = [triton.InferInput("INPUT_IDS", (1, 16), "INT64"), triton.InferInput("LENGTHS", (1, 1), "INT32")]
        inputs[0].set_data_from_numpy(np.full((1, 16), 10**9))
        inputs[1].set_data_from_numpy(np.array([[16]], np.int32))
        for _ in range(3):
            with pytest.raises(triton.InferenceServerException, match="refused by the tower"):
                raw.infer("text_tower", inputs)


def test_equal_bytes_in_another_shape_are_another_request(server: Server, store: Path) -> None:
    tower = Tower(store / "models" / "text_tower" / "1" / "model.onnx")
    ids = np.tile(np.arange(1000, 1016), 2)
    with triton.InferenceServerClient(server.grpc_url.removeprefix("grpc://")) as raw:
        for shape, lengths in (((1, 32), [[32]]), ((2, 16), [[16], [16]])) * 2:
            arrays: dict[str, NDArray[Any]] = {
                "INPUT_IDS": ids.reshape(shape).astype(np.int64),
                "LENGTHS": np.array(lengths, np.int32),
            }
            inputs = [
                triton.InferInput("INPUT_IDS", shape, "INT64"),
                triton.InferInput("LENGTHS", (shape[0], 1), "INT32"),
            ]
            for tensor in inputs:
                tensor.set_data_from_numpy(arrays[tensor.name()])
            found = raw.infer("text_tower", inputs).as_numpy("TEXT_VECTOR")
            np.testing.assert_allclose(found, tower.encode(arrays), atol=1e-5)
