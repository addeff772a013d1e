"""Profiles are read from a file, and all its mistakes are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ensemble.errors import InvalidInput
from ensemble.index import Still
from ensemble.tasks import DEFAULT_TASKS, BadProfiles, Profile, Profiles, open_recommender
from tests.ensemble.tasks.shops import NOW_S, answer, catalogue, index_of, recommender, request, write_folder

FOURTH = """
[cart]
task = "complement"
categories = 2
per_brand = 1
filter = { eq = ["available", true] }
fallback = ["popular"]
"""


def test_the_default_file_has_one_profile_a_task() -> None:
    profiles = Profiles.load().by_name
    assert {name: profile.task for name, profile in profiles.items()} == {
        "similar": "similar",
        "complement": "complement",
        "inspire": "inspire",
    }


def test_a_key_that_is_left_out_has_the_default_of_its_class() -> None:
    (profile,) = Profiles.parse('[a]\ntask = "similar"').by_name.values()
    assert profile == Profile("a", "similar")


def test_all_mistakes_are_told_at_once() -> None:
    text = """
colour = "red"
[similar]
task = "alike"
diversity = 1.5
per_brand = 2.5
nearset = 3
history = true
[inspire]
task = "inspire"
nearest = 30
fallback = ["popular", "complement"]
near_duplicates = 0
max_age_days = nan
[" "]
variants_by = 3
filter = { eq = ["price", 1], in = [] }
"""
    with pytest.raises(BadProfiles) as caught:
        Profiles.parse(text, file="mine.toml")
    expression = "one expression with one of eq, in, range, under, and, or, not; see docs/design.md"
    allowed = caught.value.problems[4].partition("allowed: ")[2]
    assert {"task", "nearest", "variants_by"} <= set(allowed.split(", "))
    assert [problem for number, problem in enumerate(caught.value.problems) if number != 4] == [
        "colour = 'red' stands outside of every profile; a table such as [colour] is needed",
        "[similar] task = 'alike'; allowed: 'similar' or 'complement' or 'inspire'",
        "[similar] diversity = 1.5; allowed: a number from 0 to 1",
        "[similar] per_brand = 2.5; allowed: a whole number from 0 to 200",
        "[similar] history = True; allowed: a whole number from 1 to 100",
        "[inspire] fallback = ['popular', 'complement']; allowed: a list of 'similar' or 'popular', each at most once",
        "[inspire] near_duplicates = 0; allowed: a number above 0 to 1",
        "[inspire] max_age_days = nan; allowed: a number above 0 to 36,500",
        "[inspire] nearest = 30; allowed: at most most_nearest, which is 20",
        "[ ]: a name of 1 to 64 letters, digits, '.', '_' and '-' is needed, not beginning with a sign",
        "[ ] task is missing; allowed: 'similar' or 'complement' or 'inspire'",
        '[ ] variants_by = 3; allowed: the name of an attribute, or "" for none',
        f"[ ] filter = {{'eq': ['price', 1], 'in': []}}; allowed: {expression}",
    ]
    assert str(caught.value).startswith("mine.toml cannot be used:\n  colour")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no profile; at least one table such as [similar] is needed"),
        ("[a", "not TOML: "),
        ("\n".join(f'[p{n}]\ntask = "similar"' for n in range(201)), "201 profiles; at most 200 are allowed"),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(BadProfiles) as caught:
        Profiles.parse(text)
    assert caught.value.problems[0].startswith(problem)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadProfiles, match=r"none\.toml cannot be used"):
        Profiles.load(tmp_path / "none.toml")


def test_a_profile_made_in_code_is_held_to_the_same() -> None:
    with pytest.raises(ValueError, match=r"\[mine\] k = 3|diversity = 2"):
        Profile("mine", "similar", diversity=2)


def test_filters_are_checked_against_a_catalogue() -> None:
    red, worded = '{ eq = ["colour", "red"] }', '{ eq = ["price", "x"] }'
    profiles = Profiles.parse(f'[a]\ntask = "similar"\nfilter = {red}\n[b]\ntask = "similar"\nfilter = {worded}')
    with pytest.raises(BadProfiles) as caught:
        profiles.check(recommender().index.slots.columns)
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        '[a] filter.eq: unknown field "colour"',
        "[b] filter.eq: 'price' is compared with a finite number, got \"x\"",
    ]
    Profiles.load().check(recommender().index.slots.columns)


def test_an_unknown_profile_is_refused_with_the_list() -> None:
    with pytest.raises(InvalidInput) as caught:
        Profiles.load().get("cart")
    assert str(caught.value) == (
        "TASK: 'cart' is no profile of this release; its profiles are similar, complement, inspire"
    )


def test_a_fourth_profile_is_an_edit_of_the_file_alone(tmp_path: Path) -> None:
    products, vectors = catalogue(120, 3)
    source = Still(index_of(products, vectors))
    write_folder(tmp_path, products, vectors, DEFAULT_TASKS.read_text())
    before = open_recommender(tmp_path, source, clock=lambda: NOW_S)
    (refused,) = before.answer([request("P1", task="cart")])
    assert isinstance(refused, InvalidInput)

    (tmp_path / "tasks.toml").write_text(DEFAULT_TASKS.read_text() + FOURTH)
    after = open_recommender(tmp_path, source, clock=lambda: NOW_S)
    mug = next(product["id"] for product in products if product["category"] == "Kitchen/Mugs")
    found = answer(after, mug, task="cart", k=4)
    assert found.profiles == ["cart"]
    assert {rule for rule in found.rules[0] if rule.startswith("complement")} <= {
        "complement:Sport",
        "complement:Kitchen/Teas",
    }
    chosen = {product["id"]: product for product in products}
    assert all(chosen[name]["available"] for name in found.found.ids[0])
    assert answer(after, mug, k=4).found.ids == answer(before, mug, k=4).found.ids
