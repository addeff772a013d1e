"""Categories and families of titles, by the rules of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.tasks.categories import RULES, CategoryRules, categories, singular
from benchmarks.tasks.families import families

TITLES = {
    "WHITE HANGING HEART T-LIGHT HOLDER": "Candles/Candle holder",
    "LUNCH BAG VINTAGE DOILY": "Bags/Lunch bag",
    "SET OF 3 CAKE TINS PANTRY DESIGN": "Storage/Tin",
    "SET OF 6 CARDS CHRISTMAS BAUBLE": "Stationery/Card",
    "PACK OF 12 RED RETROSPOT TISSUES": "Party/Napkin",
    "REGENCY CAKESTAND 3 TIER": "Kitchen/Cake stand",
    "PIG KEYRING WITH LIGHT & SOUND": "Jewellery/Charm",
    "WOODEN STAR CHRISTMAS SCANDINAVIAN": "Christmas/Christmas decoration",
    "GREEN REGENCY TEACUP AND SAUCER": "Kitchen/Cup",
    "PINK CRYSTAL SKULL PHONE CHARM": "Jewellery/Charm",
}


@pytest.fixture(scope="module")
def rules() -> CategoryRules:
    return CategoryRules.load()


@pytest.mark.parametrize("title", TITLES)
def test_the_head_noun_names_the_category(rules: CategoryRules, title: str) -> None:
    assert categories([title], rules) == [TITLES[title]]


def test_what_is_left_goes_by_its_last_word_if_many_share_it(rules: CategoryRules) -> None:
    many = [f"GREAT {word} ZEPPELIN RED" for word in ("OLD", "NEW", "FAST", "SLOW", "LONG", "SHORT")]
    assert len(many) == rules.frequent
    assert set(categories(many, rules)) == {"Other/Zeppelin"}
    assert set(categories(many[1:], rules)) == {"Other"}


def test_a_plural_is_its_singular() -> None:
    assert [singular(word) for word in ("BOXES", "DISHES", "MUGS", "GLASS", "BUS", "TINS")] == [
        "BOX",
        "DISH",
        "MUG",
        "GLASS",
        "BUS",
        "TIN",
    ]


def test_a_lead_must_be_a_phrase_of_a_category(tmp_path: Path) -> None:
    path = tmp_path / "categories.toml"
    path.write_text(RULES.read_text("utf-8").replace('leads = [\n    "JUMBO BAG"', 'leads = [\n    "NO SUCH THING"'))
    with pytest.raises(ValueError, match="NO SUCH THING"):
        CategoryRules.load(path)


def test_variants_share_a_stem_or_all_but_the_colour(rules: CategoryRules) -> None:
    found = families(
        {
            "85123A": "WHITE HANGING HEART T-LIGHT HOLDER",
            "85123B": "CREAM CUPID",
            "22001": "RED SPOTTY LUNCH BAG",
            "22002": "BLUE SPOTTY LUNCH BAGS",
            "22003": "SPOTTY APRON",
            "22004": "RED BAG",
            "22005": "BLUE BAG",
        },
        rules.colours,
    )
    assert found["85123A"] == found["85123B"] == "85123A"
    assert found["22001"] == found["22002"] == "22001"
    # One word says too little.
    assert {found[code] for code in ("22003", "22004", "22005")} == {"22003", "22004", "22005"}
