"""A tiny shop that is served, asked and written to, so that there is something to measure."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from clients import BadInput, Client
from deploy.server import Server
from tests import tiny
from tests.export.conftest import Make, make, shop, sources, towers

__all__ = ["make", "shop", "sources", "towers"]


LINE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


class Sample(NamedTuple):
    """One line of an answer to Prometheus."""

    name: str
    labels: dict[str, str]
    value: float


def samples_of(url: str, name: str, **labels: str) -> list[Sample]:
    """Those of a name, and with these labels among others; the client's own parser renames some counters."""
    with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own loopback address
        lines = LINE.findall(answer.read().decode())
    told = [Sample(found, dict(LABEL.findall(inner)), float(value)) for found, inner, value in lines if found == name]
    return [sample for sample in told if labels.items() <= sample.labels.items()]


def total(url: str, name: str, **labels: str) -> float:
    """The sum over all processes and other labels."""
    return sum(sample.value for sample in samples_of(url, name, **labels))


@pytest.fixture(scope="session")
def released(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one release; not to be changed but by its server."""
    folder = tmp_path_factory.mktemp("measured") / "var"
    make(folder)
    return folder


@pytest.fixture(scope="module")
def served(released: Path) -> Iterator[Server]:
    """It, served; nothing but the probes of the start is asked besides."""
    with Server(released, watch=False) as running:
        yield running


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A picture of a product."""
    return next(picture for picture in tiny.pictures(tiny.products()) if picture)


def ask(server: Server, photo: bytes, *, times: int = 1, mistakes: bool = True) -> None:
    """A bit of everything that a shop asks for, and what it should not."""
    with Client(server.grpc_url) as client:
        for number in range(times):
            client.search(text="red mug", k=5)
            client.search(image=photo, k=5)
            client.search(text="red mug", image=photo, k=1_000, filter={"range": ["price", None, 20]})
            client.search(text="blue", filter={"range": ["price", None, -1]})
            client.recommend(products="P004", task="inspire", k=5)
            client.upsert({"id": f"new{number}", "title": "a green lamp", "price": 3.0})
            client.patch(f"new{number}", price=4.0)
            client.delete(f"new{number}")
            for wrong in ('{"near": 1}', "{") if mistakes else ():
                with pytest.raises(BadInput):
                    client.search(text="red mug", filter=wrong)
