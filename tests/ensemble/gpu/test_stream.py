"""How arrays get to the device and answers back, by way of memory that is never given back."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.gpu.pinned import PIECE_BYTES, PIECES, Pinned
from ensemble.index.gpu.stream import ALIGNMENT, Stream
from tests.ensemble.gpu.living import CPU


def test_arrays_arrive_as_they_are() -> None:
    arrays: list[NDArray[Any]] = [
        np.arange(5, dtype=np.int32),
        np.empty((0, 2)),
        np.arange(12.0).reshape(3, 4).T,
        np.array([True, False]).view(np.uint8),
        np.array([-1], np.int64),
    ]
    there = Stream(CPU).sent(*arrays)
    for tensor, array in zip(there, arrays, strict=True):
        assert tensor.numpy().dtype == array.dtype
        np.testing.assert_array_equal(tensor.numpy(), array)
        assert tensor.data_ptr() % ALIGNMENT == 0 or not tensor.numel()


def test_arrays_that_are_larger_than_the_ring_arrive_too() -> None:
    large = np.arange((PIECES + 2) * PIECE_BYTES // 8 + 1)
    stream = Stream(CPU)
    for array, tensor in zip((large, large[:3]), stream.sent(large, large[:3]), strict=True):
        np.testing.assert_array_equal(tensor.numpy(), array)


def test_answers_that_wait_at_once_are_kept_apart() -> None:
    stream = Stream(CPU)
    copies = [stream.to_host(torch.full((2, 3), number, dtype=torch.float64)) for number in range(4)]
    assert [copy.wait().tolist() for copy in copies[::-1]] == [[[number] * 3] * 2 for number in (3, 2, 1, 0)]


def test_an_answer_stays_when_its_memory_is_lent_again() -> None:
    stream = Stream(CPU)
    first = stream.to_host(torch.ones(5)).wait()
    stream.to_host(torch.zeros(5)).wait()
    assert first.tolist() == [1.0] * 5


def test_memory_is_lent_again_and_grows_with_the_answers() -> None:
    pinned = Pinned(CPU)
    memory = pinned.lend(10)
    other = pinned.lend(10)
    assert other.data_ptr() != memory.data_ptr()
    pinned.take_back(memory)
    assert pinned.lend(20) is memory
    assert len(pinned.lend(5 * PIECE_BYTES)) >= 5 * PIECE_BYTES


def test_memory_of_an_index_that_is_gone_is_the_next_ones() -> None:
    one, other = Stream(CPU), Stream(CPU)
    pinned = one._pinned
    assert other._pinned is not pinned
    del one
    assert Stream(CPU)._pinned is pinned


def test_a_thread_may_take_a_turn_within_its_turn_and_others_wait() -> None:
    stream, seen = Stream(CPU), list[str]()

    def ask() -> None:
        with stream.turn("asking"):
            seen.append("other")

    thread = threading.Thread(target=ask)
    with stream.turn("asking"), stream.turn("asking again"):
        thread.start()
        thread.join(0.05)
        seen.append("first")
    thread.join()
    assert seen == ["first", "other"]
