"""What is kept of device memory, and what goes first."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from ensemble.index.gpu.pool import Pool
from ensemble.index.gpu.recent import Recent
from tests.ensemble.gpu.living import CPU

WIDTH = 8
ROW = 4 * WIDTH


class Asked:
    """A pool, and the texts whose rows were made."""

    def __init__(self, rows: int) -> None:
        self.pool, self.made = Pool(torch.int32, CPU, rows * ROW), list[bytes]()

    def _make(self, texts: Sequence[bytes], rows: torch.Tensor, numbers: Sequence[int]) -> None:
        self.made.extend(texts)
        for text, number in zip(texts, numbers, strict=True):
            rows[number] = int(text)

    def __call__(self, *texts: bytes, width: int = WIDTH) -> list[int]:
        """What is in the row of each text; it has to be the text."""
        numbers = self.pool.numbers(texts, width, self._make)
        assert self.pool.rows[numbers].tolist() == [[int(text)] * width for text in texts]
        return numbers


def texts(*numbers: int) -> list[bytes]:
    return [b"%d" % number for number in numbers]


def test_rows_are_made_once_whatever_they_are_asked_with() -> None:
    ask = Asked(100)
    for numbers in ((1, 2), (2, 1), (3, 1, 4), (2,), (1, 2)):
        ask(*texts(*numbers))
    assert ask.made == texts(1, 2, 3, 4)


def test_mixed_batches_evaluate_no_row_again_while_there_is_room() -> None:
    ask = Asked(100)
    for batch in range(200):
        ask(*texts(*((7 * batch + 13 * at) % 100 for at in range(16))))
    assert len(ask.made) == 100


def test_the_least_recently_used_rows_give_way() -> None:
    ask = Asked(3)
    for number in (1, 2, 3, 1, 4, 3, 1):
        ask(*texts(number))
    assert ask.made == texts(1, 2, 3, 4)
    ask(*texts(5, 4, 1))
    assert ask.made == texts(1, 2, 3, 4, 5)
    assert ask.pool.rows.nbytes == 3 * ROW


def test_a_batch_that_is_larger_than_all_that_is_kept_is_still_answered() -> None:
    ask = Asked(1)
    ask(*texts(1, 2, 3))
    ask(*texts(4))
    ask(*texts(4, 3, 2, 5))
    assert ask.made == texts(1, 2, 3, 4, 5)


def test_rows_of_another_width_are_made_anew() -> None:
    ask = Asked(100)
    ask(*texts(1, 2))
    ask(*texts(2), width=2 * WIDTH)
    assert ask.made == texts(1, 2, 2)


def test_what_was_cleared_is_made_anew_in_the_same_memory() -> None:
    ask = Asked(100)
    ask(*texts(1, 2))
    rows = ask.pool.rows
    ask.pool.clear()
    ask(*texts(1, 2))
    assert ask.made == texts(1, 2, 1, 2)
    assert ask.pool.rows is rows
    ask.pool.release()
    assert ask.pool.rows.nbytes == 0
    ask(*texts(1))


def test_a_row_that_could_not_be_made_is_not_kept() -> None:
    ask = Asked(100)
    with pytest.raises(ValueError, match="invalid literal"):
        ask(b"1", b"x")
    assert ask(b"1") == [0]
    assert ask.made == [b"1", b"x", b"1"]


def test_the_least_recently_used_go_first() -> None:
    recent = Recent[str, int](10)
    recent.put("a", 1, 4)
    recent.put("b", 2, 4)
    assert recent.get("a") == 1
    recent.put("c", 3, 4)
    assert recent.get("b") is None
    recent.put("a", 4, 6)
    assert (recent.get("a"), recent.nbytes, recent.keys()) == (4, 10, ["c", "a"])
