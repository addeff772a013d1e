"""A real server's traffic: of the shop's own words, then of words that it has never heard."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tritonclient import grpc as triton

from deploy.drift import DriftReport, Monitor, release_encoder
from deploy.server import Server
from ensemble.observing import FOLDER, PROBE, read_windows
from export.baseline.known import typed
from tests import tiny
from tests.deploy.conftest import wait_for
from tests.export.conftest import Make

STRANGE = ("zug", "wien", "fahrplan", "abfahrt", "gleis", "morgen", "nach", "von", "um", "am", *tiny.WORDS[4:])


def titles(words: Sequence[str], count: int, seed: int) -> list[str]:
    """Different titles of six words."""
    random = np.random.default_rng(seed)
    made = {" ".join(random.choice(words, 6)): None for _ in range(2 * count)}
    return list(made)[:count]


def queries(words: Sequence[str], count: int, seed: int) -> list[str]:
    """Different queries, as short as a baseline's."""
    return list(dict.fromkeys(typed(title) for title in titles(words, 3 * count, seed)))[:count]


@pytest.fixture(scope="module")
def store(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of products whose titles are words of the tokenizer."""
    folder = tmp_path_factory.mktemp("words")
    rows = [{"id": f"P{number}", "title": title} for number, title in enumerate(titles(tiny.WORDS, 300, 1))]
    (folder / "catalogue.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    make(folder / "var", catalogue=folder / "catalogue.jsonl")
    return folder / "var"


@pytest.fixture(scope="module")
def client(store: Path) -> Iterator[triton.InferenceServerClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TANDEM_OBSERVE_SECONDS", "0.5")
        with Server(store, catalogue="", watch=False) as running:
            yield triton.InferenceServerClient(running.grpc_url.removeprefix("grpc://"))


def ask(client: triton.InferenceServerClient, texts: Sequence[str], name: str = "") -> None:
    for text in texts:
        tensor = triton.InferInput("TEXT", [1, 1], "BYTES")
        tensor.set_data_from_numpy(np.array([[text.encode()]], object))
        client.infer("search_text", [tensor], request_id=name)


def noted(store: Path) -> list[str]:
    """Texts of all windows so far."""
    windows = read_windows(store / FOLDER, "text_preprocess", 1)
    return [text for window in windows for text in window.columns["text"].tolist()]


def answered(store: Path) -> int:
    return sum(window.samples for window in read_windows(store / FOLDER, "retrieve", 1))


def look(store: Path) -> DriftReport:
    report = Monitor(store, 1, encode=release_encoder(store, 1)).look()
    assert report is not None
    return report


def test_traffic_of_other_words_raises_the_alarm_and_that_of_the_shop_does_not(
    store: Path, client: triton.InferenceServerClient
) -> None:
    before, proved = len(noted(store)), answered(store)
    usual, strange = queries(tiny.WORDS, 140, 2), queries(STRANGE, 270, 3)
    ask(client, ["only a probe"] * 3, name=f"{PROBE}-7")
    ask(client, usual)
    wait_for(lambda: len(noted(store)) - before >= len(usual) and answered(store) - proved >= len(usual))
    assert sorted(noted(store)[: len(usual)]) == sorted(usual)
    assert "only a probe" not in noted(store)
    first = look(store)
    assert not first.alarm, first.explanation
    assert {one.samples for one in first.statistics} == {64}
    ask(client, strange)  # enough for two windows of the next size
    wait_for(lambda: len(noted(store)) - before >= 410 and answered(store) - proved >= 410)
    second = look(store)
    assert second.alarm
    assert {"query_text", "text_unknown"} <= {one.name for one in second.statistics if one.alarm}
    assert set(second.examples) <= set(strange)
    assert second.examples
