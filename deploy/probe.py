"""Requests with known answers: the only proof that data goes through the server unharmed.

READY is no such proof: a server whose stub was killed says READY, and so does one whose numpy corrupts every tensor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deploy.control import Control, one_row
from deploy.errors import NoAnswer, NoRelease, RequestFailed, WrongAnswer

DEFAULT_TOLERANCE = 1e-3
_SHOWN = 8
# Whose products and scores go together; those of a recommendation may be of several rules, one after the other.
_FOUND, _RECOMMENDED = "PRODUCT_ID", "RECOMMENDED_ID"
# How a recommender tells that a product is not there.
_REFUSED, _UNKNOWN = "INVALID_ARGUMENT", "not in the index"

Answer = Mapping[str, Sequence[str] | Sequence[float]]


@dataclass(frozen=True)
class Probe:
    """One request and its answer.

    Args:
        model: The model, as a rule an ensemble.
        inputs: Input name to the values of one row.
        expected: Output name to the first values of the row: strings, or numbers.
        tolerance: Largest allowed difference of a number.
        seq: Last change of the catalogue that ``expected`` knows. One that has changed since gives other answers, which
            are checked for their form alone.
    """

    model: str
    inputs: Mapping[str, Any]
    expected: Answer
    tolerance: float = DEFAULT_TOLERANCE
    seq: int | None = None

    def __post_init__(self) -> None:
        if not self.expected or not all(len(values) for values in self.expected.values()):
            raise ValueError(f"probe of {self.model}: `expected` must name at least one output and its values")
        if not self.tolerance > 0:
            raise ValueError(f"probe of {self.model}: `tolerance` must be above 0, got {self.tolerance}")

    def send(self, control: Control, timeout_s: float) -> None:
        """Ask the server and check its answer.

        Raises:
            NoAnswer: An error, or nothing in time.
            WrongAnswer: Another answer than the known one.
        """
        try:
            types = control.input_types(self.model)
            tensors = {name: one_row(value, types.get(name, "BYTES")) for name, value in self.inputs.items()}
            outputs = control.infer(self.model, tensors, timeout_s)
        except RequestFailed as error:
            if self._asks_of_what_is_gone(error):
                return
            raise NoAnswer(self.model, error) from error
        check_answer(self, {name: _row(array) for name, array in outputs.items()})

    def _asks_of_what_is_gone(self, error: RequestFailed) -> bool:
        """Whether the catalogue has no such product any more: no fault of a server that says which it was asked for."""
        names = self.inputs.get("PRODUCT_ID", ())
        told = error.status == _REFUSED and _UNKNOWN in error.message
        return bool(names) and told and all(repr(name) in error.message for name in names)


def read_probes(path: Path) -> list[Probe]:
    """Read ``probe.json``: ``{"seq", "requests": [{"model", "inputs", "expected", "tolerance"}, ...]}``.

    An input ``{"file": NAME}`` stands for the bytes of a file beside it.

    Raises:
        NoRelease: The file is unreadable or names no request.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        probes = [_parse(entry, path.parent, content.get("seq", 0)) for entry in content["requests"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoRelease(f"{path} cannot be read as probe requests: {error!r}; make the release again") from error
    if not probes:
        raise NoRelease(f"{path} holds no request; make the release again")
    return probes


def check_answer(probe: Probe, got: Answer) -> None:
    """Compare an answer with the known one.

    Raises:
        WrongAnswer: They differ; the message shows both.
    """
    seq = list(got.get("SEQ", ()))
    if seq and seq != [probe.seq]:
        check_form(probe, got)
        return
    for name, expected in probe.expected.items():
        values = list(got.get(name, ()))[: len(expected)]
        if not _same(probe, name, list(expected), values, got):
            raise WrongAnswer(
                f"{probe.model} answers {name} = {_show(values)}, and the release says {_show(expected)} "
                f"(numbers within {probe.tolerance:g})"
            )


def check_form(probe: Probe, got: Answer) -> None:
    """Check what holds of every search and of every recommendation, whatever the catalogue has become.

    Raises:
        WrongAnswer: Products and scores do not go together, or scores are not finite, or not in the order of a search.
    """
    name = _RECOMMENDED if _RECOMMENDED in got else _FOUND
    ids, scores = list(got.get(name, ())), np.array(got.get("SCORE", ()), np.float64)
    together = len(ids) == len(scores) and len(set(ids)) == len(ids) and all(ids)
    ordered = name == _RECOMMENDED or not (np.diff(scores) > 0).any()
    if not together or not np.isfinite(scores).all() or not ordered:
        order = "" if name == _RECOMMENDED else " and in descending order"
        raise WrongAnswer(
            f"{probe.model} answers {name} = {_show(ids)} with SCORE = {_show(scores.tolist())}: "
            f"as many scores as products, finite{order}, belong to an answer"
        )


def _same(probe: Probe, name: str, expected: list[Any], values: list[Any], got: Answer) -> bool:
    if len(values) != len(expected):
        return False
    if not isinstance(expected[0], str):
        return bool(np.allclose(values, expected, rtol=0.0, atol=probe.tolerance))
    scores = list(probe.expected.get("SCORE", ()))
    if name not in (_FOUND, _RECOMMENDED) or len(scores) != len(expected):
        return values == expected
    return all(_interchangeable(expected, scores, values, rank, probe.tolerance) for rank in range(len(values)))


def _interchangeable(ids: list[str], scores: list[Any], got: list[str], rank: int, tolerance: float) -> bool:
    """Whether the id at ``rank`` is the known one, or its score so close that another CPU may order them otherwise."""
    if got[rank] == ids[rank]:
        return True
    rival = scores[ids.index(got[rank])] if got[rank] in ids else scores[-1]
    return len(set(got)) == len(got) and abs(rival - scores[rank]) <= tolerance


def _parse(entry: Mapping[str, Any], folder: Path, seq: int | None) -> Probe:
    inputs = {
        name: (folder / Path(value["file"]).name).read_bytes() if isinstance(value, dict) else value
        for name, value in entry["inputs"].items()
    }
    tolerance = float(entry.get("tolerance", DEFAULT_TOLERANCE))
    return Probe(str(entry["model"]), inputs, dict(entry["expected"]), tolerance, seq)


def _row(array: np.ndarray[Any, Any]) -> list[Any]:
    return [
        value.decode(errors="replace") if isinstance(value, bytes) else value for value in array[:1].ravel().tolist()
    ]


def _show(values: Sequence[Any]) -> str:
    shown = [f"{value:.4g}" if isinstance(value, float) else str(value) for value in values[:_SHOWN]]
    return f"[{', '.join(shown)}{', ...' if len(values) > _SHOWN else ''}]"
