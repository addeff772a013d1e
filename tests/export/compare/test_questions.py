"""Queries without labels, with labels of other catalogues, or of no kind are refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from catalogue.errors import MAX_LISTED
from export.compare.questions import questions
from export.errors import BadComparison
from export.queries import Query

IDS = ("a", "b", "c")


def test_queries_are_sorted_by_kind_with_all_their_right_products(spare_photo: Path) -> None:
    photo = Query(text=None, image=spare_photo, products=("c",))
    texts = [Query(text="mug", image=None, products=("c", "a")), Query(text="chair", image=None, products=("b",))]
    text, image = questions([texts[0], photo, texts[1]], IDS)
    assert (text.kind, text.asked) == ("text", ("mug", "chair"))
    np.testing.assert_array_equal(text.right, [[True, False, True], [False, True, False]])
    assert (image.kind, image.names, image.asked) == ("image", (spare_photo.name,), (spare_photo.read_bytes(),))
    np.testing.assert_array_equal(image.right, [[False, False, True]])


def test_every_bad_label_is_named_at_once() -> None:
    bad = [Query(text="mug", image=None), Query(text="chair", image=None, products=("a", "z", "y"))]
    with pytest.raises(BadComparison) as caught:
        questions([*bad, Query(text="lamp", image=None, products=("a",))], IDS, ["image"])
    assert caught.value.problems == (
        "query 1, 'mug': has no label; give the right ones as \"products\"",
        "query 2, 'chair': products ['z', 'y'] are not in the catalogue",
        "queries: none of kind 'image'",
    )


def test_a_long_list_of_problems_is_cut() -> None:
    with pytest.raises(BadComparison) as caught:
        questions([Query(text=str(number), image=None) for number in range(MAX_LISTED + 5)], IDS)
    assert len(caught.value.problems) == MAX_LISTED + 1
    assert caught.value.problems[-1] == "and 5 more queries with such problems"


@pytest.mark.parametrize(
    ("kinds", "said"), [([], "queries: there are none"), (["sound"], "'sound'; allowed: text, image")]
)
def test_nothing_to_ask_is_refused(kinds: list[str], said: str) -> None:
    with pytest.raises(BadComparison, match=said):
        questions([], IDS, kinds)
