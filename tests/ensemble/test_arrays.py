"""Rows on a GPU; PyTorch's tensors in main memory stand in for them, which no code of the request path can tell."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ensemble.arrays import in_one_place, joined, on_host, to_host
from ensemble.errors import InvalidInput
from ensemble.query import query_rows
from ensemble.serving import tensors_of
from ensemble.settings import SpaceSettings

SPACE = SpaceSettings("0", 3, 2)
SHARED = SpaceSettings("0", 3, 3, shared=True, text_query=(1.0, 0.5), image_query=(0.25, 1.0))


def vectors(rows: int, dim: int, seed: int) -> NDArray[np.float32]:
    made = np.random.default_rng(seed).normal(size=(rows, dim)).astype(np.float32)
    unit: NDArray[np.float32] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


@pytest.mark.parametrize("remote", ["both", "text", "image"])
@pytest.mark.parametrize("weights", [None, np.array([[2.0, 1.0], [1.0, -3.0], [0.0, 1.0]], np.float32)])
def test_queries_on_the_gpu_are_those_of_main_memory(remote: str, weights: NDArray[np.float32] | None) -> None:
    text, image = vectors(3, 3, 1), vectors(3, 3, 2)
    right = query_rows(text, image, weights, SHARED)
    given = {"text": text, "image": image}
    on_gpu = given if remote == "both" else {remote: given[remote]}
    places: dict[str, Any] = given | {name: torch.from_numpy(one) for name, one in on_gpu.items()}
    rows = query_rows(places["text"], places["image"], weights, SHARED)
    assert isinstance(rows, torch.Tensor)
    assert rows.dtype == torch.float32
    np.testing.assert_array_equal(rows.numpy(), right)


def test_all_numbers_of_a_batch_go_to_the_gpu_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each copy costs the request path a call of the driver."""
    text, image, factors = vectors(3, 3, 1), vectors(3, 3, 2), np.array([1, -2, 0.5], np.float32)
    weights = np.array([[2.0, 1.0], [1.0, -3.0], [0.0, 1.0]], np.float32)
    right = query_rows(text, image, weights, SHARED) * factors[:, None]
    np.testing.assert_array_equal(query_rows(text, image, weights, SHARED, factors), right)
    copies: list[tuple[int, ...]] = []
    to = torch.Tensor.to

    def noted(tensor: torch.Tensor, *where: Any, **how: Any) -> torch.Tensor:
        copies.append(tuple(tensor.shape))
        return to(tensor, *where, **how)

    monkeypatch.setattr(torch.Tensor, "to", noted)
    there = query_rows(torch.from_numpy(text), torch.from_numpy(image), weights, SHARED, factors)
    np.testing.assert_array_equal(there.numpy(), right)
    assert copies == [(3, 5)]


def test_values_that_may_not_be_written_are_taken() -> None:
    values = np.ones((2, 4), np.float32)
    values.flags.writeable = False
    assert joined([torch.zeros(1, 4), values]).sum() == 8


def test_a_half_that_is_absent_stays_zero() -> None:
    text = vectors(2, 3, 1)
    rows = query_rows(torch.from_numpy(text), None, None, SPACE)
    np.testing.assert_array_equal(to_host(rows), query_rows(text, None, None, SPACE))


def test_a_wrong_length_is_refused_without_looking_at_the_gpu() -> None:
    with pytest.raises(InvalidInput, match=r"TEXT_VECTOR: shape \[2, 4\]; \[batch, 3\] is needed"):
        query_rows(torch.zeros(2, 4), None, None, SPACE)


def test_requests_from_both_places_are_searched_on_the_gpu() -> None:
    here, there = vectors(2, 4, 1), vectors(1, 4, 2)
    rows = joined([here, torch.from_numpy(there)])
    assert isinstance(rows, torch.Tensor)
    np.testing.assert_array_equal(rows.numpy(), np.concatenate([here, there]))
    assert on_host(joined([here, there]))
    kept = in_one_place(None, here)
    assert kept[0] is None
    assert kept[1] is here


@dataclass
class OnGpu:
    """What Triton's Python backend hands over."""

    value: torch.Tensor

    def name(self) -> str:
        return "TEXT_VECTOR"

    def is_cpu(self) -> bool:
        return False

    def to_dlpack(self) -> Any:
        return self.value.__dlpack__()


@dataclass
class Request:
    tensor: OnGpu

    def inputs(self) -> list[OnGpu]:
        return [self.tensor]


def test_a_tensor_on_the_gpu_is_taken_where_it_lies() -> None:
    value = torch.ones(2, 3)
    taken = tensors_of(Request(OnGpu(value)))["TEXT_VECTOR"]
    assert isinstance(taken, torch.Tensor)
    assert taken.data_ptr() == value.data_ptr()


def test_without_pytorch_it_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    value = OnGpu(torch.ones(2, 3))
    monkeypatch.setitem(sys.modules, "torch.utils.dlpack", None)
    with pytest.raises(RuntimeError, match=r"TEXT_VECTOR lies on a GPU, which PyTorch is needed for: install"):
        tensors_of(Request(value))
