from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from loadtest.errors import BadMix, BadTraffic
from loadtest.traffic.filters import draw_filters, holds, share
from loadtest.traffic.kinds import KINDS
from loadtest.traffic.mix import SHOP, Mix, Part, read_mix
from loadtest.traffic.photos import SIDE, VARIANTS, painted, read_pictures, vary
from loadtest.traffic.popularity import draw
from loadtest.traffic.recommending import RECOMMENDATIONS
from loadtest.traffic.requests import Traffic
from loadtest.traffic.shop import Product, read_catalogue
from loadtest.traffic.texts import Told, built_in, read_queries, titles
from tests import tiny

PRODUCTS = tuple(
    Product(row["id"], row["title"], row["category"], row["price"], row["available"], row["attributes"])
    for row in tiny.products(200)
)


def test_the_built_in_texts_are_many_and_all_different() -> None:
    texts = [told.text for told in built_in()]
    assert len(set(texts)) == len(texts) == 2000


def test_queries_are_read_from_lines_and_from_rows_that_may_name_their_products(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("red mug\n\n  tasse à café \n", encoding="utf-8")
    rows = [{"text": "red mug", "products": ["M1"]}, {"image": "photos/1.jpg"}, {"text": "lamp"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_queries(tmp_path / "texts.txt") == (Told("red mug"), Told("tasse à café"))
    assert read_queries(tmp_path / "rows.jsonl") == (Told("red mug", ("M1",)), Told("lamp"))


def test_a_title_is_known_to_mean_every_product_that_has_it() -> None:
    products = (Product("1", "Red mug"), Product("2", "Lamp"), Product("3", "Red mug"))
    assert titles(products) == (Told("Red mug", ("1", "3")), Told("Lamp", ("2",)))


@pytest.mark.parametrize(
    ("read", "name", "content", "message"),
    [
        (read_queries, "empty.txt", b"\n \n", "has no text"),
        (read_queries, "list.jsonl", b"[]\n", "not a query with a text"),
        (read_queries, "latin.txt", b"caf\xe9\n", "cannot read"),
        (read_queries, "missing.txt", None, "cannot read"),
        (read_catalogue, "none.jsonl", b"\n", "has no products"),
        (read_catalogue, "other.jsonl", b'{"id": "1"}\n', "line 1: not a product"),
        (read_catalogue, "missing.jsonl", None, "cannot read"),
    ],
)
def test_a_file_that_is_of_no_use_is_named(
    tmp_path: Path, read: Any, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadTraffic, match=message) as caught:
        read(tmp_path / name)
    assert name in str(caught.value)


def test_a_category_is_a_path_however_the_file_has_it(tmp_path: Path) -> None:
    rows = [{"id": "1", "title": "a", "category": ["Kitchen", "Mugs"]}, {"id": "2", "title": "b", "category": "Home"}]
    (tmp_path / "shop.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [product.category for product in read_catalogue(tmp_path / "shop.jsonl")] == ["Kitchen/Mugs", "Home"]


def test_drawn_filters_are_of_all_forms_and_select_a_hundredth_to_a_half() -> None:
    filters = draw_filters(PRODUCTS)
    shares = [share(expression, PRODUCTS) for expression in filters]
    assert 0.01 <= min(shares) <= max(shares) <= 0.5
    assert {next(iter(expression)) for expression in filters} == {"under", "range", "eq", "and"}
    fields = Counter(expression["eq"][0] for expression in filters if "eq" in expression)
    assert {"available", "color"} <= set(fields)
    assert draw_filters(PRODUCTS) == filters


def test_a_catalogue_of_which_nothing_can_be_selected_is_refused() -> None:
    with pytest.raises(BadTraffic, match="that 1% to 50% of its products have"):
        draw_filters((Product("1", "a"),) * 3)


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ({"under": ["category", "Kitchen"]}, True),
        ({"under": ["category", "Kit"]}, False),
        ({"eq": ["color", " red "]}, True),
        ({"eq": ["size", 4]}, False),
        ({"in": ["id", ["M1", "M2"]]}, True),
        ({"range": ["price", None, 9.5]}, True),
        ({"range": ["price", 9.6, None]}, False),
        ({"range": ["color", 1, 2]}, False),
        ({"not": {"eq": ["available", False]}}, False),
        ({"and": [{"eq": ["available", False]}, {"or": [{"eq": ["size", 4]}, {"eq": ["color", "red"]}]}]}, True),
    ],
)
def test_a_filter_is_held_against_a_product_as_the_server_does(expression: dict[str, Any], passes: bool) -> None:
    product = Product("M1", "Mug", "Kitchen/Mugs", 9.5, False, {"color": "red"})
    assert holds(expression, product) is passes


def test_zipf_prefers_the_first_and_without_it_each_is_asked_in_turn() -> None:
    drawn = Counter(draw(1.0, 100, 20_000, np.random.default_rng(1)).tolist())
    assert set(drawn) <= set(range(100))
    assert drawn[0] / drawn[9] == pytest.approx(10, rel=0.25)
    in_turn = draw(0.0, 50, 120, np.random.default_rng(1))
    assert len(set(in_turn[:50].tolist())) == 50
    assert in_turn[50:100].tolist() == in_turn[:50].tolist()


def test_pictures_are_read_evenly_from_a_folder_and_reduced(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for number in range(10):
        Image.new("RGB", (640, 10 + number)).save(tmp_path / "deep" / f"{number}.png")
    pictures = read_pictures(tmp_path, most=5)
    assert [picture.size for picture in pictures] == [(SIDE, 5), (SIDE, 6), (SIDE, 7), (SIDE, 8), (SIDE, 9)]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(BadTraffic, match=r"cannot read .*broken.jpg"):
        read_pictures(tmp_path)
    with pytest.raises(BadTraffic, match=r"no .* in '.*nowhere'"):
        read_pictures(tmp_path / "nowhere")


def test_every_number_gives_other_pixels_and_the_same_number_the_same() -> None:
    picture = painted(1)[0]
    small = set()
    numbers = (*range(300), *range(300, VARIANTS, 997))
    for number in numbers:
        with Image.open(io.BytesIO(vary(picture, number))) as opened:
            small.add(opened.resize((96, 96), Image.Resampling.BILINEAR).tobytes())
    assert len(small) == len(numbers)
    assert vary(picture, 12_345) == vary(picture, 12_345)


def test_a_traffic_draws_kinds_by_weight_and_makes_the_same_request_of_a_number(mix_file: Path) -> None:
    traffic = Traffic.read(mix_file)
    numbers = traffic.draw(6_000, seed=1).tolist()
    kinds = Counter(traffic.make(number).kind for number in numbers)
    assert set(kinds) == SEARCHING
    assert all(count == pytest.approx(1_000, rel=0.15) for count in kinds.values())
    assert traffic.draw(6_000, seed=1).tolist() == numbers != traffic.draw(6_000, seed=2).tolist()
    for number in (0, len(traffic) - 1, *sorted(set(numbers))[::40]):
        first, second = traffic.make(number), traffic.make(number)
        assert [tensor.data.tolist() for tensor in first.call.inputs] == [
            tensor.data.tolist() for tensor in second.call.inputs
        ]
    assert {traffic.make(number).kind for number in traffic.draw_writes(50, seed=1).tolist()} == {"upsert", "patch"}


def test_requests_know_their_filters_their_known_products_and_their_rows(mix_file: Path) -> None:
    traffic = Traffic.read(mix_file)
    made = {(asked := traffic.make(number)).kind: asked for number in range(len(traffic))}
    assert made["filtered"].rows[0].filter is not None
    assert made["filtered"].rows[0].k == 5
    assert made["title"].rows[0].known
    assert len(made["ranked"].rows) == 3
    assert {tensor.name for tensor in made["weighted"].call.inputs} == {"TEXT", "IMAGE", "WEIGHTS", "K"}


SEARCHING = {name for name, kind in KINDS.items() if not kind.writes and not name.startswith("recommend_")}
RECOMMENDING = {kind.name for kind in RECOMMENDATIONS}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("shop", SEARCHING),
        ("recommend", RECOMMENDING - {"recommend_new"}),
        ("shop-with-recommendations", SEARCHING | RECOMMENDING),
    ],
)
def test_the_shop_s_own_mixes_can_be_read(name: str, kinds: set[str]) -> None:
    mix = read_mix(SHOP.with_name(f"{name}.toml"))
    assert {part.kind for part in mix.parts} == kinds
    assert mix.writes_per_s == 0


def test_with_recommendations_the_searches_are_those_of_the_shop() -> None:
    alone, beside = read_mix(SHOP), read_mix(SHOP.with_name("shop-with-recommendations.toml"))
    assert tuple(part for part in beside.parts if part.kind in SEARCHING) == alone.parts
    assert (beside.writes, beside.ranks) == (alone.writes, alone.ranks)
    recommended = sum(part.weight for part in beside.parts if part.kind in RECOMMENDING)
    assert recommended > 2 * sum(part.weight for part in alone.parts)


def test_a_mix_file_tells_of_all_its_mistakes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mix.toml"
    path.write_text(
        """
        seed = -1
        colour = "red"
        [files]
        catalogue = 3
        films = "x"
        [kinds.text]
        weight = "much"
        zipf = -1
        k = 0
        speed = 3
        [kinds.patch]
        [writes]
        per_s = 2
        """
    )
    with pytest.raises(BadMix) as caught:
        read_mix(path)
    told = str(caught.value)
    for name in ("seed", "colour", "files.catalogue", "films", "kinds.text.weight", "zipf", "kinds.text.k"):
        assert name in told
    assert "kinds.patch: no such kind; allowed: text, title" in told
    assert "kinds.text.speed: unknown; allowed: weight, zipf, distinct, k, rows" in told
    assert "writes.per_s: given without writes" in told
    assert all(line.startswith(str(path)) for line in told.splitlines())


def test_a_kind_whose_files_are_not_named_is_refused() -> None:
    with pytest.raises(BadTraffic, match=r"kinds.title: has no titles; name a catalogue"):
        Traffic.of(Mix((Part("title", 1.0),)))
    assert Traffic.of(Mix((Part("text", 1.0), Part("photo", 1.0)))).make(3).kind == "text"
