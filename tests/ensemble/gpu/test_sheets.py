"""What is kept of device memory, and what goes first; and how arrays get there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.index.gpu.recent import Recent
from ensemble.index.gpu.sending import ALIGNMENT, sent
from ensemble.index.gpu.sheets import Sheets

ROW = 4 * 8


def made(asked: list[bytes], texts: Sequence[bytes]) -> torch.Tensor:
    asked.extend(texts)
    return torch.tensor([[int(text)] * 8 for text in texts], dtype=torch.int32)


def test_rows_are_made_once_and_come_in_the_order_that_is_asked() -> None:
    sheets, asked = Sheets(100 * ROW), list[bytes]()
    for texts in ((b"1", b"2"), (b"2", b"1"), (b"3", b"1", b"4"), (b"2",), (b"1", b"2")):
        rows = sheets.rows(texts, lambda missing: made(asked, missing))
        assert rows[:, 0].tolist() == [int(text) for text in texts]
    assert asked == [b"1", b"2", b"3", b"4"]


def test_rows_of_a_batch_stay_right_when_others_must_go() -> None:
    sheets, asked = Sheets(3 * ROW), list[bytes]()
    for first in range(8):
        texts = tuple(b"%d" % number for number in (first, first + 1, 0))
        rows = sheets.rows(tuple(dict.fromkeys(texts)), lambda missing: made(asked, missing))
        assert rows[:, 0].tolist() == [int(text) for text in dict.fromkeys(texts)]
        assert sheets.nbytes <= 3 * ROW
        assert len(sheets._sheet_of) <= 3


def test_a_batch_that_is_larger_than_all_that_is_kept_is_still_answered() -> None:
    sheets, asked = Sheets(ROW), list[bytes]()
    texts = (b"1", b"2", b"3")
    assert sheets.rows(texts, lambda missing: made(asked, missing))[:, 0].tolist() == [1, 2, 3]
    assert sheets.rows((b"4",), lambda missing: made(asked, missing))[:, 0].tolist() == [4]
    assert sheets.nbytes == ROW


def test_nothing_is_left_after_all_was_dropped() -> None:
    sheets, asked = Sheets(100 * ROW), list[bytes]()
    for _ in range(2):
        sheets.rows((b"1", b"2"), lambda missing: made(asked, missing))
        sheets.clear()
        assert sheets.nbytes == 0
    assert asked == [b"1", b"2", b"1", b"2"]


def test_the_least_recently_used_go_first() -> None:
    recent = Recent[str, int](10)
    assert recent.put("a", 1, 4) + recent.put("b", 2, 4) == []
    assert recent.get("a") == 1
    assert recent.put("c", 3, 4) == ["b"]
    assert recent.get("b") is None
    assert recent.put("a", 4, 6) == []
    assert (recent.get("a"), recent.nbytes, recent.keys()) == (4, 10, ["c", "a"])


def test_arrays_arrive_as_they_are() -> None:
    arrays: list[NDArray[Any]] = [
        np.arange(5, dtype=np.int32),
        np.empty((0, 2)),
        np.arange(12.0).reshape(3, 4).T,
        np.array([True, False]).view(np.uint8),
        np.array([-1], np.int64),
    ]
    there = sent(torch.device("cpu"), *arrays)
    for tensor, array in zip(there, arrays, strict=True):
        assert tensor.numpy().dtype == array.dtype
        np.testing.assert_array_equal(tensor.numpy(), array)
        assert tensor.data_ptr() % ALIGNMENT == 0 or not tensor.numel()
