from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from clients import Hit, Recommend, Recommendations, Result, sheet
from clients.pictures import fit
from clients.recommend_sheet import LABEL, TITLE, recommendations_sheet, short_rule
from tests.clients.test_sheet import BLUE, RED, encoded

CARD_HEIGHT = sheet.CARD[1] + sheet.RULE


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 40), RED).save(tmp_path / "red.png")
    Image.new("RGB", (40, 40), BLUE).save(tmp_path / "blue.png")
    return tmp_path


def hits(count: int) -> Recommendations:
    made = tuple(Hit(f"p{rank}", 0.5, "Lamp", image="blue.png", rule=f"complement:A/{rank}") for rank in range(count))
    return Recommendations(3, 0, made, "similar gave the rest")


def test_the_sheet_shows_what_was_asked_about_and_below_it_what_goes_with_it(shop: Path) -> None:
    asked = [Result("M1", 0.0, "Mug", image="red.png"), Result("M2", 0.0, "Cup", image="red.png")]
    drawn = recommendations_sheet(Recommend(("M1", ("M2", -0.5)), task="complement"), asked, hits(6), shop)
    middle = sheet.MARGIN + sheet.CARD[0] // 2
    first = sheet.MARGIN + TITLE + LABEL + sheet.CARD[0] // 2
    assert drawn.getpixel((middle, first)) == RED
    assert drawn.getpixel((middle + sheet.CARD[0] + sheet.GAP, first)) == RED
    below = first + sheet.CARD[1] + LABEL + sheet.GAP
    assert drawn.getpixel((middle, below)) == BLUE
    assert drawn.getpixel((middle, below + CARD_HEIGHT + sheet.GAP)) == BLUE
    assert drawn.width == sheet.WIDTH


def test_a_new_product_is_shown_by_its_picture(shop: Path) -> None:
    query = Recommend(product={"title": "Mug", "price": "free"}, image=encoded(fit(None, 40, "red")))
    drawn = recommendations_sheet(query, [], hits(1), shop)
    without = recommendations_sheet(Recommend(), [], hits(1), shop)
    assert drawn.height - without.height == sheet.CARD[1] + LABEL + sheet.GAP


def test_more_products_than_fit_are_left_out(shop: Path) -> None:
    ids = [f"M{number}" for number in range(20)]
    shown = [Result(name, 0.0) for name in ids]
    query = Recommend(ids, filter={"eq": ["available", True]}, diversity=0.5, nearest=3)
    assert recommendations_sheet(query, shown, hits(100), shop).width == sheet.WIDTH


def test_a_long_rule_loses_the_front_of_its_path() -> None:
    assert short_rule("similar") == "similar"
    assert short_rule("complement:Kitchen/Bowls") == "complement:Kitchen/Bowls"
    assert short_rule("complement:Home and garden/Kitchen/Teapots") == "complement:.../Teapots"
    assert short_rule("popular:" + "x" * 200) == "popular:" + "x" * 200
