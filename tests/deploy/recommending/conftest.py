"""A small shop whose server recommends: release 1 by the frozen towers, release 2 by a trained product tower."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray

from deploy.server import Server
from ensemble.recommending import still_recommender
from ensemble.tasks import Recommended, Recommender
from tests.deploy.conftest import FAST
from tests.export import small
from tests.export.conftest import Make, make, make_small, shop, small_shop, small_towers, sources, towers
from tests.export.recommending.conftest import Frozen, brand_shop, frozen, make_brands, tower

__all__ = [
    "brand_shop",
    "frozen",
    "make",
    "make_brands",
    "make_small",
    "shop",
    "small_shop",
    "small_towers",
    "sources",
    "tower",
    "towers",
]

TYPES = {
    **dict.fromkeys(("PRODUCT_ID", "PRODUCT", "IMAGE", "TASK", "FILTER", "SEEN", "CATEGORY", "PATCH"), "BYTES"),
    **dict.fromkeys(("K", "NEAREST", "SKIP", "PER_CATEGORY", "PER_BRAND"), "INT32"),
    **dict.fromkeys(("TIMES", "MIN_SEQ"), "INT64"),
    **dict.fromkeys(("WEIGHTS", "DIVERSITY"), "FP32"),
}
NUMBERS = {"INT32": np.int32, "INT64": np.int64, "FP32": np.float32}
LISTS = ("RECOMMENDED_ID", "SCORE", "RULE", "RECOMMENDED")


@dataclass(frozen=True)
class Told:
    """One row of an answer."""

    ids: list[str]
    scores: list[float]
    rules: list[str]
    products: list[dict[str, Any]]
    reason: str
    release: int
    seq: int


class Caller:
    """Asks a server by Triton's own client.

    Args:
        url: ``grpc://host:port`` or ``http://host:port``.
    """

    def __init__(self, url: str) -> None:
        kind, address = url.split("://")
        self._library: Any = tritonclient.grpc if kind == "grpc" else tritonclient.http
        self._client = self._library.InferenceServerClient(address)

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def recommend(self, *ids: str, model: str = "recommend", **settings: Any) -> Told:
        """Products recommended for some others."""
        return self.told(model, {"PRODUCT_ID": list(ids), **settings})

    def told(self, model: str, inputs: Mapping[str, Any]) -> Told:
        """One answer."""
        answer = self.infer(model, inputs)
        ids, scores, rules, products = (answer.as_numpy(name)[0] for name in LISTS)
        reason, release, seq = (answer.as_numpy(name)[0, 0] for name in ("REASON", "RELEASE", "SEQ"))
        assert answer.as_numpy("COUNT").tolist() == [[len(ids)]]
        return Told(
            [name.decode() for name in ids],
            scores.tolist(),
            [rule.decode() for rule in rules],
            [json.loads(product) for product in products],
            reason.decode(),
            int(release),
            int(seq),
        )

    def infer(self, model: str, inputs: Mapping[str, Any]) -> Any:
        """One request of one row."""
        return self._client.infer(model, [self._input(name, value) for name, value in inputs.items()])

    def write(self, model: str, **inputs: Any) -> int:
        """Change the catalogue; the sequence number of the change."""
        return int(self.infer(model, inputs).as_numpy("SEQ")[0, 0])

    def _input(self, name: str, value: Any) -> Any:
        tensor = self._library.InferInput(name, [1, len(row := row_of(name, value))], TYPES[name])
        tensor.set_data_from_numpy(row[None])
        return tensor


def row_of(name: str, value: Any) -> NDArray[Any]:
    """The values of one row of an input."""
    values = list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
    if TYPES[name] != "BYTES":
        return np.array(values, NUMBERS[TYPES[name]])
    return np.array([each.encode() if isinstance(each, str) else each for each in values], object)


def expected(recommender: Recommender, *ids: str, **settings: Any) -> Recommended:
    """What a recommender in this process answers."""
    inputs = {"PRODUCT_ID": list(ids), **settings}
    (answer,) = recommender.answer([{name: row_of(name, value)[None] for name, value in inputs.items()}])
    assert isinstance(answer, Recommended), answer
    return answer


@pytest.fixture(scope="session")
def recommending_store(
    frozen: Frozen,
    tower: Path,
    make_brands: Make,
    small_towers: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A store with both releases; changed by its server alone."""
    folder = tmp_path_factory.mktemp("recommending") / "var"
    shutil.copytree(frozen.store, folder)
    towers = small.towers_with(small_towers, "recommending-served", f'\n[recommend]\ntower = "{tower}"\n')
    make_brands(folder, towers=towers)
    return folder


@pytest.fixture(scope="session")
def recommender(recommending_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """That of release 2 as it was made."""
    folder = tmp_path_factory.mktemp("recommender") / "2"
    shutil.copytree(recommending_store / "models" / "recommender" / "2", folder)
    return still_recommender(folder)


@pytest.fixture(scope="session")
def server(recommending_store: Path) -> Iterator[Server]:
    """Release 2, served."""
    with Server(recommending_store, watch_options=FAST) as running:
        yield running


@pytest.fixture
def caller(server: Server) -> Iterator[Caller]:
    """Asks over gRPC."""
    with Caller(server.grpc_url) as caller:
        yield caller
