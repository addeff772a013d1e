"""Which inputs the gate judges by: real, held out, the same each time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import Pictures, Product
from ensemble.settings import ProductSettings
from export.errors import BadEvaluation
from export.gate.inputs import ENOUGH_QUERIES, MAX_QUERIES, Source, split
from export.gate.trial import Limits
from export.queries import Query


@given(st.lists(st.text("abcAB ", min_size=1, max_size=4).filter(str.strip), max_size=40))
def test_sides_share_no_product_and_no_title(titles: list[str]) -> None:
    products = [Product(f"P{number}", title) for number, title in enumerate(titles)]
    sides = split(products)
    assert sorted(one.id for side in sides for one in side) == sorted(one.id for one in products)
    told = [{product.title.strip().casefold() for product in side} for side in sides]
    assert not told[0] & told[1]


def test_sides_stay_when_the_catalogue_grows(source: Source) -> None:
    before = {product.id for product in split(source.products[:30])[0]}
    after = {product.id for product in split(source.products)[0]}
    assert before == {product.id for product in source.products[:30]} & after
    assert 15 < len(after) < 45


def test_without_queries_the_held_out_products_are_asked_for(source: Source) -> None:
    calibration, held_out = split(source.products)
    trial = source.trial("text")
    assert [item.product for item in trial.corpus] == [product.id for product in source.products]
    assert {item.product for item in trial.inputs} <= {product.id for product in held_out}
    texts = {str(item.read()) for item in trial.inputs}
    assert not texts & {product.title for product in calibration}
    assert {product.title for product in held_out} <= texts
    assert any(len(text.split()) == 3 for text in texts)
    own = [trial.corpus[place].product for place in trial.own]
    assert own == [item.product for item in trial.inputs]
    assert [item.same for item in trial.inputs] == [item.same for item in source.trial("text").inputs]


def test_half_of_what_the_catalogue_gives_is_short(source: Source) -> None:
    trial = replace(source, limits=Limits(held_out=20)).trial("text")
    assert len(trial.inputs) == 20
    assert sum(len(str(item.read()).split()) == 3 for item in trial.inputs) >= 10


def test_pictures_are_read_when_they_are_needed(source: Source) -> None:
    trial = source.trial("vision")
    held_out = {product.image for product in split(source.products)[1]}
    assert {item.label for item in trial.inputs} == held_out
    assert bytes(trial.inputs[0].read()).startswith(b"\x89PNG")  # type: ignore[arg-type]


def test_a_picture_that_calibration_shares_is_left_out(source: Source) -> None:
    calibration, held_out = split(source.products)
    shared = replace(held_out[0], image=calibration[0].image)
    products = [shared if product.id == shared.id else product for product in source.products]
    trial = replace(source, products=products).trial("vision")
    assert calibration[0].image not in {item.label for item in trial.inputs}


def test_real_queries_come_first_and_are_enough_alone(source: Source, tmp_path: Path) -> None:
    few = [Query(f"query {number}", None) for number in range(5)]
    trial = replace(source, queries=few).trial("text")
    assert [item.same for item in trial.inputs[:5]] == [query.text for query in few]
    assert len(trial.inputs) > 5
    assert (trial.own[:5] == -1).all()
    many = [Query(f"query {number}", None) for number in range(ENOUGH_QUERIES)]
    assert len(replace(source, queries=many).trial("text").inputs) == ENOUGH_QUERIES
    endless = [Query(f"query {number}", None) for number in range(MAX_QUERIES + 500)]
    asked = [item.same for item in replace(source, queries=endless).trial("text").inputs]
    assert len(asked) == MAX_QUERIES
    assert asked[-1] == f"query {MAX_QUERIES + 499}"


def test_queries_that_calibration_has_seen_are_left_out(source: Source) -> None:
    seen = split(source.products)[0][0].title
    trial = replace(source, queries=[Query(seen, None), Query("never seen", None)]).trial("text")
    assert "never seen" in {item.same for item in trial.inputs}
    assert seen not in {item.same for item in trial.inputs}


def test_labels_are_kept_in_a_small_corpus(source: Source) -> None:
    queries = [Query("one", None, ("P7", "P59")), Query("one", None, ("P31",)), Query("none", None)]
    trial = replace(source, queries=queries, limits=Limits(products=8)).trial("text")
    assert len(trial.corpus) == 8
    assert {"P7", "P59", "P31"} <= set(trial.places)
    assert {trial.corpus[place].product for place in trial.right[0]} == {"P7", "P59", "P31"}
    assert list(trial.right) == [0]


def test_labels_that_the_catalogue_lacks_are_told(source: Source) -> None:
    with pytest.raises(BadEvaluation, match=r"(?s)2 label\(s\).*'mug': product 'X1'") as caught:
        replace(source, queries=[Query("mug", None, ("P1", "X1")), Query("cup", None, ("X2",))]).trial("vision")
    assert "'cup': product 'X2'" in str(caught.value)


def test_a_catalogue_without_pictures_cannot_judge_a_vision_tower(tmp_path: Path) -> None:
    products = [Product(f"P{number}", f"title {number}") for number in range(50)]
    source = Source(products, Pictures(str(tmp_path / "c.jsonl"), max_bytes=10), ProductSettings())
    assert source.trial("text").inputs
    with pytest.raises(BadEvaluation, match="vision tower: 0 distinct held-out"):
        source.trial("vision")


def test_a_picture_that_vanished_is_named(source: Source) -> None:
    query = Query(None, Path("/nowhere/photo.jpg"))
    item = replace(source, queries=[query]).trial("vision").inputs[0]
    assert item.label == "photo.jpg"
    with pytest.raises(OSError, match=r"photo\.jpg"):
        item.read()


@pytest.mark.parametrize("limits", [{"products": 7}, {"held_out": 0}])
def test_limits_that_leave_too_little_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(limits))}` must be at least 8"):
        Limits(**limits)
