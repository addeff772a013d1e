from __future__ import annotations

from pathlib import Path

import pytest

from clients.cli_inputs import read_history, read_liked
from clients.errors import BadInput


@pytest.mark.parametrize(
    ("told", "liked"),
    [
        ("M1", ("M1", 1.0)),
        ("M1:-0.5", ("M1", -0.5)),
        ("shop:M1", ("shop:M1", 1.0)),
        ("shop:7:1", ("shop:7", 1.0)),
        ("M1:", ("M1:", 1.0)),
        ("M1:1e999", ("M1", float("inf"))),
    ],
)
def test_a_product_may_have_a_weight_behind_its_last_colon(told: str, liked: tuple[str, float]) -> None:
    assert read_liked([told]) == [liked]


@pytest.mark.parametrize("told", ["", ":3"])
def test_a_product_without_an_id_is_refused(told: str) -> None:
    with pytest.raises(BadInput, match=r"--product: .*allowed: ID or ID:WEIGHT"):
        read_liked([told])


@pytest.mark.parametrize(
    ("name", "text", "read"),
    [
        ("h.jsonl", '{"product": "M1"}\n\n{"product": "M2", "weight": 0.5}\n', ([("M1", 1), ("M2", 0.5)], [])),
        ("h.jsonl", '{"product": "M1", "time": 1700000000.9}', ([("M1", 1)], [1_700_000_000])),
        (
            "h.csv",
            "product,time\nM1,2023-11-14T22:13:20Z\nM2,1700000001\n",
            ([("M1", 1), ("M2", 1)], [1_700_000_000, 1_700_000_001]),
        ),
        ("h.csv", "time,product,weight\r\n2023-11-14T22:13:20,M1,-2\r\n", ([("M1", -2)], [1_700_000_000])),
        ("h.csv", "product,weight,time\nM1,,\n", ([("M1", 1)], [])),
    ],
)  # fmt: skip
def test_a_history_is_read_with_its_times_and_weights(
    tmp_path: Path, name: str, text: str, read: tuple[object, ...]
) -> None:
    (tmp_path / name).write_text(text)
    assert read_history(tmp_path / name) == read


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("h.jsonl", "", "has no products; give one a line"),
        ("h.jsonl", '{"product": "M1"}\nM2\n', r"row 2: 'M2'; allowed: a product, as in"),
        ("h.jsonl", '{"product": ""}', "row 1: .*allowed: a product"),
        ("h.csv", "id,time\nM1,3\n", "row 1: .*allowed: a product"),
        ("h.jsonl", '{"product": "M1", "weight": true}', "weight True; allowed: a number"),
        ("h.jsonl", '{"product": "M1", "time": "noon"}', "time 'noon'; allowed: Unix seconds, or as in"),
        ("h.jsonl", '{"product": "M1", "time": "nan"}', "time 'nan'; allowed: Unix seconds"),
        (
            "h.jsonl",
            '{"product": "M1", "time": 3}\n{"product": "M2"}',
            "1 of 2 rows have a time; give all one, or none",
        ),
    ],
)
def test_a_history_that_cannot_be_read_tells_its_row(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadInput, match=told) as caught:
        read_history(tmp_path / name)
    assert str(caught.value).startswith("--history: ")


def test_a_history_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--history: cannot read .*nowhere.csv.*No such file"):
        read_history(tmp_path / "nowhere.csv")
