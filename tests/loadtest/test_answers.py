from __future__ import annotations

from dataclasses import replace

import pytest

from clients import Answer, Result, Written
from loadtest.answers import Row, Seen, check_answers, check_written, row_from_dict, row_to_dict
from loadtest.errors import (
    BadScores,
    EmptyAnswer,
    FilterBroken,
    MixedReleases,
    RepeatedProduct,
    TooMany,
    UnlikeRelease,
    WrongAnswer,
    WrongWrite,
)

RIGHT = Answer(2, 9, (Result("a", 0.9, price=4.0), Result("b", 0.5, price=5.0), Result("c", 0.5, price=6.0)))
NAN, INFINITE = float("nan"), float("-inf")


def scored(*scores: float) -> Answer:
    return replace(RIGHT, results=tuple(replace(one, score=s) for one, s in zip(RIGHT.results, scores, strict=True)))


def test_a_right_answer_tells_its_release_and_whether_the_known_product_is_in_it() -> None:
    assert check_answers([RIGHT], [Row(3)]) == Seen(2)
    assert check_answers([RIGHT, RIGHT], [Row(3, known=("b", "x")), Row(3, known=("x",))]) == Seen(2, asked=2, found=1)
    assert check_answers([RIGHT], [Row(10, {"range": ["price", 4, 6]})]) == Seen(2)


@pytest.mark.parametrize(
    ("answer", "row", "error"),
    [
        (replace(RIGHT, results=()), Row(3), EmptyAnswer),
        (RIGHT, Row(2), TooMany),
        (scored(0.9, NAN, 0.5), Row(3), BadScores),
        (scored(0.9, 0.5, INFINITE), Row(3), BadScores),
        (scored(0.5, 0.9, 0.4), Row(3), BadScores),
        (replace(RIGHT, results=(RIGHT.results[0],) * 2), Row(3), RepeatedProduct),
        (RIGHT, Row(3, {"range": ["price", None, 5.5]}), FilterBroken),
        (RIGHT, Row(3, references={2: {"a": 0.2}}), UnlikeRelease),
        (RIGHT, Row(3, references={2: {"x": 0.9}}), UnlikeRelease),
    ],
)
def test_what_is_wrong_with_an_answer_has_its_own_error(answer: Answer, row: Row, error: type[WrongAnswer]) -> None:
    with pytest.raises(error):
        check_answers([answer], [row])


def test_an_answer_of_two_releases_and_one_of_too_few_rows_are_wrong() -> None:
    with pytest.raises(MixedReleases, match="releases 2, 3"):
        check_answers([RIGHT, replace(RIGHT, release=3)], [Row(3), Row(3)])
    with pytest.raises(TooMany):
        check_answers([RIGHT], [Row(3), Row(3)])


def test_an_answer_is_held_to_the_release_that_it_names() -> None:
    row = Row(3, references={2: {"a": 0.9001, "gone": 0.8}, 3: {"a": 0.1}})
    assert check_answers([RIGHT], [row]).release == 2
    with pytest.raises(UnlikeRelease, match="says release 3"):
        check_answers([replace(RIGHT, release=3)], [row])
    assert check_answers([replace(RIGHT, release=4)], [row]).release == 4


def test_a_write_tells_of_the_products_that_were_sent() -> None:
    assert check_written([Written("a", 1)], ["a"]) == Seen()
    with pytest.raises(WrongWrite, match="sent a, the answer tells of b"):
        check_written([Written("b", 1)], ["a"])


def test_what_is_known_of_a_row_goes_through_json() -> None:
    row = Row(3, {"eq": ["color", "red"]}, ("a",), {2: {"a": 0.5}})
    assert row_from_dict(row_to_dict(row)) == row
    assert row_from_dict(row_to_dict(Row(3))) == Row(3)
