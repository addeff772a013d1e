"""The scaffolding of the models, with a stand-in for Triton's module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from ensemble.errors import InvalidInput, Unavailable
from ensemble.serving import Tensors, answer_batch, answer_each, answer_together


class TritonError:
    INVALID_ARG, INTERNAL, UNAVAILABLE = "INVALID_ARG", "INTERNAL", "UNAVAILABLE"

    def __init__(self, message: str, code: str) -> None:
        self.message, self.code = message, code


@dataclass
class Tensor:
    label: str
    value: Any

    def name(self) -> str:
        return self.label

    def is_cpu(self) -> bool:
        return True

    def as_numpy(self) -> Any:
        return self.value


@dataclass
class InferenceResponse:
    tensors: list[Tensor] = field(default_factory=list)
    error: TritonError | None = None


@dataclass
class Request:
    values: list[list[float]]

    def inputs(self) -> list[Tensor]:
        return [Tensor("X", np.array(self.values, np.float32))]


class Utils:
    Tensor, InferenceResponse, TritonError = Tensor, InferenceResponse, TritonError


def double(inputs: Tensors) -> Tensors:
    if (inputs["X"] < 0).any():
        raise InvalidInput("X", "negative; give a number of at least 0")
    if (inputs["X"] > 100).any():
        raise RuntimeError("secret path /etc")
    return {"Y": inputs["X"] * 2}


REQUESTS = [Request([[1.0], [2.0]]), Request([[-1.0]]), Request([[3.0]]), Request([[101.0]])]


@pytest.mark.parametrize("answer", [answer_each, answer_together])
def test_each_request_fails_alone(answer: Any) -> None:
    first, second, third, fourth = answer(Utils, REQUESTS, double)
    assert first.tensors[0].value.tolist() == [[2.0], [4.0]]
    assert third.tensors[0].value.tolist() == [[6.0]]
    assert (second.error.code, second.error.message) == ("INVALID_ARG", "X: negative; give a number of at least 0")
    assert fourth.error.code == "INTERNAL"
    assert "secret" not in fourth.error.message


def test_together_is_one_call_split_again() -> None:
    sizes: list[int] = []

    def answer(inputs: Tensors) -> Tensors:
        sizes.append(len(inputs["X"]))
        return double(inputs)

    responses = answer_together(Utils, [REQUESTS[0], REQUESTS[2]], answer)
    assert sizes == [3]
    assert [response.tensors[0].value.tolist() for response in responses] == [[[2.0], [4.0]], [[6.0]]]


def test_requests_of_several_shapes_are_answered_each() -> None:
    responses = answer_together(Utils, [Request([[1.0]]), Request([[1.0, 2.0]])], double)
    assert [response.tensors[0].value.shape for response in responses] == [(1, 1), (1, 2)]


def test_a_batch_is_one_call_that_judges_each_request() -> None:
    def answer(requests: Sequence[Tensors]) -> list[Tensors | Exception]:
        return [_double_or_why(inputs) for inputs in requests]

    first, second, third, fourth = answer_batch(Utils, REQUESTS, answer)
    assert [each.tensors[0].value.tolist() for each in (first, third)] == [[[2.0], [4.0]], [[6.0]]]
    assert [each.error.code for each in (second, fourth)] == ["INVALID_ARG", "INTERNAL"]


def test_what_may_be_served_later_says_so_to_every_request() -> None:
    def answer(requests: Sequence[Tensors]) -> list[Tensors | Exception]:
        raise Unavailable("no database; nothing was written")

    errors = [each.error for each in answer_batch(Utils, REQUESTS, answer)]
    assert {(error.code, error.message) for error in errors} == {("UNAVAILABLE", "no database; nothing was written")}
    assert len(errors) == len(REQUESTS)


def _double_or_why(inputs: Tensors) -> Tensors | Exception:
    try:
        return double(inputs)
    except Exception as error:
        return error
