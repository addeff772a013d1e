from __future__ import annotations

from dataclasses import replace

import pytest

from clients import Hit, Recommendations
from loadtest.answers import Row, Seen, row_from_dict, row_to_dict
from loadtest.errors import (
    BadScores,
    EmptyAnswer,
    FilterBroken,
    MixedReleases,
    RepeatedProduct,
    TooFew,
    TooMany,
    Unwanted,
    WrongAnswer,
    WrongRule,
)
from loadtest.recommended import check_recommendations

TEA, MUGS, SIMILAR = "complement:Kitchen/Teas", "complement:Mugs", "similar"
RIGHT = Recommendations(
    2,
    9,
    (
        Hit("a", 0.5, category="Kitchen/Teas/Green", price=4.0, rule=TEA),
        Hit("b", 0.9, category="Mugs", price=5.0, rule=MUGS),
        Hit("c", 0.4, category="Kitchen/Teas", price=6.0, rule=TEA),
    ),
)
ROW = Row(3, task="complement", unwanted=("q", "seen"))
WHY = "nobody bought more with it"


def changed(place: int, reason: str = "", **fields: object) -> Recommendations:
    hits = list(RIGHT.hits)
    hits[place] = replace(hits[place], **fields)  # type: ignore[arg-type]
    return replace(RIGHT, hits=tuple(hits), reason=reason)


@pytest.mark.parametrize(
    ("answer", "row"),
    [
        (RIGHT, ROW),
        (changed(2, WHY, rule=SIMILAR), ROW),
        (changed(2, WHY, rule="popular:Kitchen"), ROW),
        (changed(2, WHY, rule="popular:"), ROW),
        (replace(RIGHT, reason=WHY), replace(ROW, k=10)),
        (replace(RIGHT, hits=(), reason=WHY), ROW),
        (RIGHT, replace(ROW, filter={"range": ["price", 4, 6]})),
    ],
)
def test_a_right_answer_passes(answer: Recommendations, row: Row) -> None:
    assert check_recommendations([answer], [row]) == Seen(2)


@pytest.mark.parametrize(
    ("answer", "row", "error"),
    [
        (replace(RIGHT, hits=()), ROW, EmptyAnswer),
        (RIGHT, replace(ROW, k=4), TooFew),
        (RIGHT, replace(ROW, k=2), TooMany),
        (changed(0, score=float("nan")), ROW, BadScores),
        (changed(2, id="a"), ROW, RepeatedProduct),
        (RIGHT, replace(ROW, filter={"range": ["price", None, 5.5]}), FilterBroken),
        (changed(0, id="q"), ROW, Unwanted),
        (changed(0, id="seen"), ROW, Unwanted),
        (changed(0, rule=SIMILAR), ROW, WrongRule),
        (changed(0, rule="popular:"), ROW, WrongRule),
        (changed(0, WHY, rule="inspire:3"), ROW, WrongRule),
        (changed(0, rule=""), ROW, WrongRule),
        (changed(0, rule=MUGS), ROW, WrongRule),
        (changed(0, WHY, rule="popular:Mugs"), ROW, WrongRule),
        (RIGHT, replace(ROW, task="similar"), WrongRule),
    ],
)
def test_what_is_wrong_with_an_answer_has_its_own_error(
    answer: Recommendations, row: Row, error: type[WrongAnswer]
) -> None:
    with pytest.raises(WrongAnswer) as caught:
        check_recommendations([answer], [row])
    assert type(caught.value) is error


def test_an_answer_of_two_releases_and_one_of_too_few_rows_are_wrong() -> None:
    with pytest.raises(MixedReleases, match="releases 2, 3"):
        check_recommendations([RIGHT, replace(RIGHT, release=3)], [ROW, ROW])
    with pytest.raises(TooMany):
        check_recommendations([RIGHT], [ROW, ROW])


def test_what_is_known_of_a_row_goes_through_json() -> None:
    assert row_from_dict(row_to_dict(ROW)) == ROW
