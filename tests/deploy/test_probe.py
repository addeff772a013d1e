from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deploy.control import one_row
from deploy.errors import NoAnswer, NoRelease, RequestFailed, WrongAnswer
from deploy.probe import Answer, Probe, check_answer, read_probes
from ensemble.pipeline import Encoders
from ensemble.recommending import still_recommender
from export.recommending import write_recommender
from tests import tiny

EXPECTED: Answer = {"PRODUCT_ID": ["a", "b", "c"], "SCORE": [0.9, 0.5, 0.4999]}
PROBE = Probe("search_text", {"TEXT": "mug"}, EXPECTED, tolerance=1e-3)


def test_the_known_answer_passes_though_more_follows() -> None:
    check_answer(PROBE, {"PRODUCT_ID": ["a", "b", "c", "d"], "SCORE": [0.9001, 0.5, 0.4999, 0.1]})


def test_products_whose_scores_are_too_close_may_change_places() -> None:
    check_answer(PROBE, {"PRODUCT_ID": ["a", "c", "b"], "SCORE": [0.9, 0.5, 0.4999]})
    check_answer(PROBE, {"PRODUCT_ID": ["a", "b", "new"], "SCORE": [0.9, 0.5, 0.4999]})


@pytest.mark.parametrize(
    ("ids", "scores", "told"),
    [
        (["b", "a", "c"], [0.9, 0.5, 0.4999], r"PRODUCT_ID = \[b, a, c\], and the release says \[a, b, c\]"),
        (["a", "b", "b"], [0.9, 0.5, 0.4999], "PRODUCT_ID"),
        (["a", "b", "c"], [0.9, 0.5, 0.49], "SCORE"),
        (["a", "b", "c"], [0.9, 0.5, float("nan")], "SCORE"),
        (["a", "b"], [0.9, 0.5], "PRODUCT_ID"),
        ([], [], "PRODUCT_ID"),
    ],
)
def test_another_answer_is_refused(ids: list[str], scores: list[float], told: str) -> None:
    with pytest.raises(WrongAnswer, match=told):
        check_answer(PROBE, {"PRODUCT_ID": ids, "SCORE": scores})


def test_a_catalogue_that_has_changed_is_checked_for_its_form_alone() -> None:
    probe = Probe("search_text", {"TEXT": "mug"}, EXPECTED, seq=7)
    check_answer(probe, {**EXPECTED, "SEQ": [7]})
    check_answer(probe, {"PRODUCT_ID": ["x", "y"], "SCORE": [0.3, 0.2], "SEQ": [8]})
    check_answer(probe, {"PRODUCT_ID": [], "SCORE": [], "SEQ": [8]})
    with pytest.raises(WrongAnswer, match=r"PRODUCT_ID = \[x, y\], and the release says"):
        check_answer(probe, {"PRODUCT_ID": ["x", "y"], "SCORE": [0.3, 0.2], "SEQ": [7]})


@pytest.mark.parametrize(
    ("ids", "scores"),
    [
        (["x", "y"], [0.2, 0.3]),
        (["x", "x"], [0.3, 0.2]),
        (["x", ""], [0.3, 0.2]),
        (["x", "y"], [0.3]),
        (["x", "y"], [0.3, float("nan")]),
    ],
)
def test_the_form_of_a_search_is_held_to(ids: list[str], scores: list[float]) -> None:
    probe = Probe("search_text", {"TEXT": "mug"}, EXPECTED, seq=7)
    with pytest.raises(WrongAnswer, match="descending order"):
        check_answer(probe, {"PRODUCT_ID": ids, "SCORE": scores, "SEQ": [8]})


RECOMMENDED: Answer = {"RECOMMENDED_ID": ["a", "b"], "SCORE": [0.9, 0.5], "RULE": ["similar", "similar"]}
RECOMMEND = Probe("recommend", {"PRODUCT_ID": ["x"], "K": 2}, RECOMMENDED, seq=7)


def test_a_recommendation_is_held_to_products_scores_and_rules() -> None:
    check_answer(RECOMMEND, {**RECOMMENDED, "SEQ": [7]})
    with pytest.raises(WrongAnswer, match=r"RECOMMENDED_ID = \[b, a\]"):
        check_answer(RECOMMEND, {**RECOMMENDED, "RECOMMENDED_ID": ["b", "a"], "SEQ": [7]})
    with pytest.raises(WrongAnswer, match="RULE"):
        check_answer(RECOMMEND, {**RECOMMENDED, "RULE": ["similar", "popular:"], "SEQ": [7]})


def test_scores_of_several_rules_are_in_no_order() -> None:
    check_answer(RECOMMEND, {"RECOMMENDED_ID": ["a", "b"], "SCORE": [0.2, 0.7], "SEQ": [8]})
    with pytest.raises(WrongAnswer, match="RECOMMENDED_ID"):
        check_answer(RECOMMEND, {"RECOMMENDED_ID": ["a", "a"], "SCORE": [0.2, 0.7], "SEQ": [8]})


class _Refusing:
    """A server that refuses everything."""

    def __init__(self, status: str, message: str) -> None:
        self._error = RequestFailed(status, message)

    def input_types(self, _model: str) -> dict[str, str]:
        return {}

    def infer(self, *_: object) -> dict[str, Any]:
        raise self._error


def test_a_product_that_is_gone_is_no_fault_of_the_server(tmp_path: Path) -> None:
    rows = tiny.write_release(tmp_path)
    vectors = Encoders.open(tmp_path, 1).embed_product(rows, tiny.pictures(rows))
    write_recommender(tmp_path / "1", products=rows, rows=vectors, space=tiny.SPACE)
    (error,) = still_recommender(tmp_path / "1").answer([{"PRODUCT_ID": np.array([[b"x"]], object)}])
    RECOMMEND.send(_Refusing("INVALID_ARGUMENT", str(error)), 1.0)  # type: ignore[arg-type]
    for status, message in (
        ("INVALID_ARGUMENT", str(error).replace("'x'", "'y'")),
        ("INVALID_ARGUMENT", "PRODUCT_ID: 'x' is no text"),
        ("UNAVAILABLE", str(error)),
    ):
        with pytest.raises(NoAnswer):
            RECOMMEND.send(_Refusing(status, message), 1.0)  # type: ignore[arg-type]


def test_vectors_are_compared_within_the_tolerance() -> None:
    probe = Probe("embed_text", {"TEXT": "mug"}, {"TEXT_VECTOR": [0.6, 0.8]}, tolerance=1e-3)
    check_answer(probe, {"TEXT_VECTOR": [0.6005, 0.8]})
    with pytest.raises(WrongAnswer, match=r"TEXT_VECTOR = \[0\.6, 0\.6\]"):  # what numpy 2 makes of it
        check_answer(probe, {"TEXT_VECTOR": [0.6, 0.6]})


def write(folder: Path, content: Any) -> Path:
    path = folder / "probe.json"
    path.write_text(json.dumps(content))
    return path


def test_probes_are_read_with_the_files_beside_them(tmp_path: Path) -> None:
    (tmp_path / "probe.jpg").write_bytes(b"\xff\xd8")
    entry = {"model": "search", "inputs": {"TEXT": "mug", "IMAGE": {"file": "probe.jpg"}, "K": 2}, "expected": EXPECTED}
    (probe,) = read_probes(write(tmp_path, {"requests": [entry]}))
    assert probe.inputs == {"TEXT": "mug", "IMAGE": b"\xff\xd8", "K": 2}
    assert probe.tolerance == 1e-3


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"requests": []},
        {"requests": [{"model": "m"}]},
        {"requests": [{"model": "m", "inputs": {"IMAGE": {"file": "missing.jpg"}}, "expected": EXPECTED}]},
        {"requests": [{"model": "m", "inputs": {}, "expected": {}}]},
        {"requests": [{"model": "m", "inputs": {}, "expected": {"PRODUCT_ID": []}}]},
        {"requests": [{"model": "m", "inputs": {}, "expected": EXPECTED, "tolerance": 0}]},
        [],
    ],
)
def test_unusable_probes_are_refused(tmp_path: Path, content: Any) -> None:
    with pytest.raises(NoRelease, match=r"probe\.json .*make the release again"):
        read_probes(write(tmp_path, content))


def test_values_become_one_row_of_their_type() -> None:
    text = one_row("größe", "BYTES")
    assert text.shape == (1, 1)
    assert text[0, 0] == "größe".encode()
    weights = one_row([0.7, 0.3], "FP32")
    assert weights.dtype == np.float32
    assert weights.shape == (1, 2)
    assert one_row(5, "INT32").tolist() == [[5]]
