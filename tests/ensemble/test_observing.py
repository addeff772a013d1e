"""Samples of live requests: what is noted, what is left out, and that nothing of it can harm a request."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.observing import (
    PROBE,
    AnswerFeatures,
    Features,
    Observer,
    PictureFeatures,
    TextFeatures,
    Unobserved,
    Window,
    Writer,
    observe,
    read_windows,
    texts_are_kept,
)
from ensemble.observing.reservoir import Reservoir
from ensemble.text import TextPreprocessor
from tests import tiny

WRITER = Writer("text_preprocess", 3, 77, "text_preprocess_0_0")
TEXTS = TextFeatures(unknown=1, max_tokens=8)


class Tensor:
    def __init__(self, name: str, values: NDArray[Any]) -> None:
        self._name, self._values = name, values

    def name(self) -> str:
        return self._name

    def is_cpu(self) -> bool:
        return True

    def as_numpy(self) -> NDArray[Any]:
        return self._values


class Request:
    def __init__(self, inputs: dict[str, NDArray[Any]], name: str = "") -> None:
        self._inputs, self._name = inputs, name

    def request_id(self) -> str:
        return self._name

    def inputs(self) -> list[Tensor]:
        return [Tensor(name, values) for name, values in self._inputs.items()]


class Response:
    def __init__(self, outputs: dict[str, NDArray[Any]] | None) -> None:
        self._outputs = outputs

    def has_error(self) -> bool:
        return self._outputs is None

    def output_tensors(self) -> list[Tensor]:
        return [Tensor(name, values) for name, values in (self._outputs or {}).items()]


def asked(*texts: str, name: str = "") -> tuple[Request, Response]:
    """A request of texts, answered as if each character were a token."""
    ids = np.array([[ord(character) for character in text.ljust(40)] for text in texts])
    lengths = np.array([[len(text)] for text in texts], np.int32)
    request = Request({"TEXT": np.array([[text.encode()] for text in texts], object)}, name)
    return request, Response({"INPUT_IDS": ids, "LENGTHS": lengths})


def see(observer: Observer, *pairs: tuple[Request, Response]) -> None:
    observer([request for request, _ in pairs], [response for _, response in pairs])


def observer_into(folder: Path, features: Features = TEXTS, **more: Any) -> Observer:
    return Observer(folder, WRITER, features, random=Random(1), **more)  # noqa: S311


def only(folder: Path) -> Window:
    (window,) = read_windows(folder, "text_preprocess", 3)
    return window


def test_every_item_of_a_stream_is_kept_with_the_same_probability() -> None:
    kept: Counter[int] = Counter()
    for seed in range(2_000):
        reservoir, slots = Reservoir(3, Random(seed)), {}  # noqa: S311
        for item in range(15):
            slot = reservoir.offer()
            if slot is not None:
                slots[slot] = item
        assert sorted(slots) == [0, 1, 2]
        kept.update(slots.values())
    # Each is kept in a fifth of 2,000 streams, give or take four standard deviations.
    assert all(abs(kept[item] - 400) < 4 * np.sqrt(2_000 * 0.2 * 0.8) for item in range(15))


def test_a_reservoir_must_hold_something() -> None:
    with pytest.raises(ValueError, match="`capacity` must be at least 1, got 0"):
        Reservoir(0, Random(1))  # noqa: S311


def test_a_window_holds_what_was_noted(tmp_path: Path) -> None:
    observer = observer_into(tmp_path / "run" / "observed", clock=iter([10.0, 40.0, 40.0, 40.0]).__next__)
    see(observer, asked("red mug"), asked("a\x01b"), asked("x" * 9))
    observer.flush()
    window = only(tmp_path / "run" / "observed")
    assert (window.writer, window.started, window.ended, window.seen, window.samples) == (WRITER, 10.0, 40.0, 3, 3)
    assert window.columns["text"].tolist() == ["red mug", "a\x01b", "x" * 9]
    assert window.columns["characters"].tolist() == window.columns["tokens"].tolist() == [7.0, 3.0, 9.0]
    assert window.columns["unknown"].tolist() == [0.0, pytest.approx(1 / 3), 0.0]
    assert window.columns["cut"].tolist() == [0.0, 0.0, 1.0]
    assert len(set(window.columns["key"].tolist())) == 3


def test_probes_warm_up_and_refused_requests_are_left_out(tmp_path: Path) -> None:
    observer = observer_into(tmp_path, warm_up=1)
    see(observer, asked("warm-up"), asked("probe", name=f"{PROBE}-1"), (asked("bad")[0], Response(None)), asked("real"))
    observer.flush()
    assert only(tmp_path).columns["text"].tolist() == ["real"]
    assert only(tmp_path).seen == 1


def test_a_window_without_requests_is_not_written(tmp_path: Path) -> None:
    observer_into(tmp_path).flush()
    assert list(tmp_path.iterdir()) == []


def test_any_number_of_requests_gives_a_bounded_window(tmp_path: Path) -> None:
    observer = observer_into(tmp_path)
    for number in range(2_000):
        see(observer, asked(str(number)))
    observer.flush()
    window = only(tmp_path)
    assert (window.samples, window.seen) == (512, 2_000)
    numbers = np.array([int(text) for text in window.columns["text"]])
    assert abs(numbers.mean() - 1_000) < 4 * 2_000 / np.sqrt(12 * 512)


def test_a_request_of_several_rows_gives_one_of_them(tmp_path: Path) -> None:
    observer = observer_into(tmp_path)
    for _ in range(40):
        see(observer, asked("one", "two", "three"))
    observer.flush()
    assert only(tmp_path).samples == 40
    assert set(only(tmp_path).columns["text"].tolist()) == {"one", "two", "three"}


def test_texts_are_cut_and_can_be_left_out(tmp_path: Path) -> None:
    outputs = {"INPUT_IDS": np.zeros((2, 4)), "LENGTHS": np.array([[4], [4]])}
    inputs = {"TEXT": np.array([[b"y" * 300], [b"\xff\x00z"]], object)}
    assert [TEXTS(inputs, outputs, row)["text"] for row in range(2)] == ["y" * 200, "� z"]
    silent = TextFeatures(unknown=None, max_tokens=8, keep_texts=False)(inputs, outputs, 0)
    assert (silent["text"], silent["characters"], silent["unknown"]) == ("", 300.0, 0.0)
    assert texts_are_kept({})
    assert not texts_are_kept({"TANDEM_OBSERVE_TEXTS": "0"})
    assert "y" * 200 not in str(silent)


def test_nothing_is_noted_where_no_folder_is_named(tmp_path: Path) -> None:
    args = {
        "model_name": "text_preprocess",
        "model_version": "3",
        "model_instance_name": "text_preprocess 0/1",
        "model_config": json.dumps({"model_warmup": [{"name": "a"}, {"name": "b", "count": 2}]}),
    }
    idle = observe(args, TEXTS, {})
    assert isinstance(idle, Unobserved)
    idle([], [])
    idle.stop()
    environment = {"TANDEM_OBSERVED": str(tmp_path), "TANDEM_OBSERVE_SECONDS": "60"}
    working = observe(args, TEXTS, environment)
    assert isinstance(working, Observer)
    see(working, asked("one"), asked("two"), asked("three"), asked("four"))
    working.stop()
    window = only(tmp_path)
    assert (window.writer.instance, window.writer.pid) == ("text_preprocess_0_1", os.getpid())
    assert window.columns["text"].tolist() == ["four"]


def test_pictures_are_described_by_what_the_file_says_and_the_tower_sees() -> None:
    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    pixels[1, :2] = (200, 100, 50)
    picture = tiny.picture((9, 9, 9), 1, side=20)
    row = PictureFeatures()({"IMAGE": np.array([[b""], [picture]], object)}, {"PIXELS": pixels}, 1)
    grey = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    assert (row["width"], row["height"], row["bytes"]) == (20.0, 20.0, len(picture))
    assert row["brightness"] == pytest.approx(grey / 2)
    assert row["contrast"] == pytest.approx(grey / 2)


def answer(scores: list[float], **inputs: Any) -> dict[str, Any]:
    features = AnswerFeatures(text_dim=2, image_dim=3, default_k=4)
    outputs = {"SCORE": np.array([scores], np.float32), "COUNT": np.array([[len(scores)]])}
    return features({name: np.array([value]) for name, value in inputs.items()}, outputs, 0)


def test_answers_are_described_by_their_vectors_and_scores() -> None:
    row = answer([0.9, 0.5, 0.25], TEXT_VECTOR=[0.6, 0.8], K=[6])
    assert row["text_vector"].dtype == np.float16
    assert row["text_vector"].tolist() == pytest.approx([0.6, 0.8], abs=1e-3)
    assert row["image_vector"].tolist() == [0.0, 0.0, 0.0]
    assert (row["plain"], row["found"]) == (True, 0.5)
    assert (row["best"], row["gap"]) == (pytest.approx(0.9), pytest.approx(0.4))
    both = answer([], TEXT_VECTOR=[1.0, 0.0], IMAGE_VECTOR=[0.0, 1.0, 0.0], FILTER=[b"{}"], RANK=[b""])
    assert both["image_vector"].tolist() == [0.0, 1.0, 0.0]
    assert not both["plain"]
    assert both["found"] == 0.0
    assert np.isnan([both["best"], both["gap"]]).all()


def test_the_tokenizer_tells_which_token_is_the_unknown_one(tmp_path: Path) -> None:
    tiny.tokenizer().save(str(tmp_path / "tokenizer.json"))
    preprocess = TextPreprocessor(tmp_path / "tokenizer.json", tiny.TEXT)
    assert preprocess.unknown == 1
    tokens = preprocess(["red zebra"])
    row = TextFeatures(preprocess.unknown, 16)(
        {"TEXT": np.array([[b"red zebra"]], object)}, {"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}, 0
    )
    assert (row["tokens"], row["unknown"]) == (4.0, 0.25)
