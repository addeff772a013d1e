"""The map of complementary categories: lift and its limit, what is kept, what a hand writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from training.errors import TrainingInputError
from training.product.complements import Complement, ComplementMap, learn_complements, lift_and_limit
from training.product.events import Events

CATALOGUE = [
    {"id": "mug", "category": "Kitchen/Mugs"},
    {"id": "tea", "category": "Kitchen/Teas"},
    {"id": "lamp", "category": "Home/Lamps"},
    {"id": "vase", "category": "Home/Vases"},
    {"id": "thing", "category": ""},
]


def _events(counts: dict[tuple[str, ...], int], kind: str = "purchase") -> Events:
    lines = [(f"{held}{at}", product) for held, count in counts.items() for at in range(count) for product in held]
    basket, product = zip(*lines, strict=True)
    return Events.of(pa.table({"basket": basket, "product": product, "kind": [kind] * len(lines)}))


BASKETS = {("mug", "tea"): 60, ("mug",): 40, ("tea",): 20, ("lamp",): 100, ("mug", "lamp"): 30, ("vase", "lamp"): 5}


def test_what_is_bought_together_more_than_by_chance() -> None:
    found = learn_complements(_events(BASKETS), CATALOGUE).targets
    (tea,) = found["Kitchen/Mugs"]
    baskets = sum(BASKETS.values())
    assert (tea.category, tea.baskets, tea.source) == ("Kitchen/Teas", 60, "learned")
    assert tea.lift == pytest.approx(60 * baskets / (130 * 80), abs=1e-4)
    assert tea.low is not None
    assert 1 < tea.low < 60 * baskets / (130 * 80)
    assert [one.category for one in found["Kitchen/Teas"]] == ["Kitchen/Mugs"]
    assert "Home/Vases" not in found  # five baskets say too little
    assert "Home" not in found  # bought with mugs less than by chance


def test_ancestors_have_targets_outside_of_themselves() -> None:
    baskets = {("mug", "lamp"): 50, ("tea", "lamp"): 30, ("vase",): 60, ("thing",): 50}
    found = learn_complements(_events(baskets), CATALOGUE).targets
    assert [one.category for one in found["Kitchen"]] == ["Home/Lamps"]
    assert {one.category for one in found["Home"]} == {"Kitchen/Mugs", "Kitchen/Teas"}
    assert [one.category for one in found["Home/Lamps"]] == ["Kitchen/Mugs", "Kitchen/Teas"]
    assert [one.category for one in learn_complements(_events(baskets), CATALOGUE, most=1).targets["Home"]] == [
        "Kitchen/Mugs"
    ]


def test_views_and_huge_baskets_say_nothing() -> None:
    assert learn_complements(_events(BASKETS, "view"), CATALOGUE).targets == {}
    assert learn_complements(_events(BASKETS), CATALOGUE, max_basket=1).targets == {}


def test_the_limit_holds_for_as_many_samples_as_it_says() -> None:
    random = np.random.default_rng(0)
    cells = np.array([0.12, 0.18, 0.2, 0.5])  # both, first alone, second alone, neither
    true = 0.12 / (0.30 * 0.32)
    missed = 0
    for drawn in random.multinomial(800, cells, 2000):
        together = np.array([[drawn[0] + drawn[1], drawn[0]], [drawn[0], drawn[0] + drawn[2]]], np.float64)
        lift, low = lift_and_limit(together, 800, 0.95)
        assert low[0, 1] < lift[0, 1]
        missed += low[0, 1] > true
    assert missed / 2000 == pytest.approx(0.05, abs=0.015)


def test_categories_never_together_have_no_lift() -> None:
    lift, low = lift_and_limit(np.array([[10.0, 0.0], [0.0, 5.0]]), 20, 0.99)
    assert lift[0, 1] == low[0, 1] == 0
    assert np.isfinite(low).all()


def test_what_a_hand_wrote_is_kept_and_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "complements.json"
    by_hand = {"category": "Home/Vases", "source": "hand"}
    old = {"category": "Garden", "lift": 9.0, "low": 8.0, "baskets": 70, "source": "learned"}
    path.write_text(json.dumps({"Kitchen/Mugs": [by_hand, old], "Pets": [{"category": "Home", "source": "hand"}]}))
    ComplementMap.load(path).by_hand().over(learn_complements(_events(BASKETS), CATALOGUE)).save(path)
    found = ComplementMap.load(path).targets
    assert [(one.category, one.source) for one in found["Kitchen/Mugs"]] == [
        ("Home/Vases", "hand"),
        ("Kitchen/Teas", "learned"),
    ]
    assert found["Pets"] == (Complement("Home", source="hand"),)
    assert found["Kitchen/Mugs"][0].lift is None


def test_entries_without_a_source_and_empty_lists_are_from_a_hand(tmp_path: Path) -> None:
    path = tmp_path / "complements.json"
    path.write_text('{"Kitchen/Mugs": [], "Kitchen/Teas": [{"category": "Home/Vases", "lift": 4.2}]}')
    ComplementMap.load(path).by_hand().over(learn_complements(_events(BASKETS), CATALOGUE)).save(path)
    found = ComplementMap.load(path).by_hand().targets
    assert found["Kitchen/Mugs"] == ()
    assert found["Kitchen/Teas"] == (Complement("Home/Vases", 4.2, source="hand"),)
    assert ComplementMap({"Pets": (Complement("Home"),)}).by_hand() == ComplementMap({})


def test_an_empty_map_is_json(tmp_path: Path) -> None:
    ComplementMap({}).save(tmp_path / "complements.json")
    assert ComplementMap.load(tmp_path / "complements.json") == ComplementMap({})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", r"complements\.json cannot be read"),
        ("[]", r"complements\.json cannot be read"),
        ('{"A": [{"categories": "B"}]}', r"complements\.json cannot be read"),
        ('{"A": [{"category": "B / C"}]}', "category: got 'B / C', must be a path"),
        ('{"A": [{"category": "B", "source": "me"}]}', "source: got 'me', must be 'learned' or 'hand'"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "complements.json").write_text(content)
    with pytest.raises(TrainingInputError, match=message):
        ComplementMap.load(tmp_path / "complements.json")
