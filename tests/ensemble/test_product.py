from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ensemble.errors import InvalidInput
from ensemble.image import ImagePreprocessor
from ensemble.pipeline import Pipeline
from ensemble.product import ProductPreprocessor, parse_products, product_text
from ensemble.settings import ProductSettings
from tests import tiny


@pytest.fixture
def preprocess(tiny_pipeline: Pipeline) -> ProductPreprocessor:
    return ProductPreprocessor(tiny_pipeline.encoders.text, ImagePreprocessor(tiny.IMAGE), tiny.PRODUCT)


def test_text_joins_fields_as_words() -> None:
    product = {"title": " Mug ", "category": "Kitchen/Mugs", "attributes": {"size": 42.0, "new": True, "color": None}}
    settings = ProductSettings(("title", "category", "size", "new", "color", "missing"))
    assert product_text(product, settings) == "Mug. Kitchen, Mugs. 42. true"


def test_prepares_with_and_without_a_picture(preprocess: ProductPreprocessor) -> None:
    picture = tiny.picture((200, 30, 30), 1)
    prepared = preprocess([{"title": "red mug"}, {"title": "blue"}], [picture, b""])
    assert prepared.has_image.tolist() == [[True], [False]]
    assert (prepared.pixels[1] == 255).all()
    np.testing.assert_array_equal(prepared.pixels[0], preprocess.image([picture])[0])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([b"{"], "PRODUCT: not JSON"),
        ([b"\xff\xfe"], "PRODUCT: not JSON"),
        ([b"[" * 60_000], "PRODUCT: not JSON"),
        ([b"[]"], "PRODUCT: a JSON object is needed, with fields among id, title,"),
        ([b"{}"], 'PRODUCT: a JSON object with at least a "title"'),
        ([b'{"title": "a"}', b'{"title": 3}'], "PRODUCT[1]: a JSON object"),
        ([b'{"title": "a", "note": "%s"}' % (b"x" * 10_000_000)], "PRODUCT: 10,000,026 bytes; at most 65,536 are"),
        ([b'{"title": "a", "colour": 1}'], 'PRODUCT: unknown field "colour"; allowed: id, title, category, price, av'),
        ([b'{"title": "a", "id": ""}'], "PRODUCT.id: 0 characters; 1 to 256 are allowed"),
        ([b'{"title": "a", "id": "%s"}' % (b"x" * 257)], "PRODUCT.id: 257 characters; 1 to 256 are allowed"),
        ([b'{"title": "a", "id": 7}'], "PRODUCT.id: 7; a string is needed"),
        ([b'{"title": "a\\ud800"}'], "PRODUCT.title: holds half of a surrogate pair"),
        ([b'{"title": "a", "category": ["b"]}'], 'PRODUCT.category: ["b"]; a string is needed'),
        ([b'{"title": "a", "category": "b > c"}'], 'PRODUCT.category: "b > c"; a path such as "Kitchen/Mugs"'),
        ([b'{"title": "a", "price": NaN}'], "PRODUCT.price: NaN; a finite number of at least 0 is needed"),
        ([b'{"title": "a", "price": 1e999}'], "PRODUCT.price: Infinity; a finite number of at least 0"),
        ([b'{"title": "a", "price": 1%s}' % (b"0" * 400)], "PRODUCT.price: 1000"),
        ([b'{"title": "a", "price": -1}'], "PRODUCT.price: -1; a finite number of at least 0"),
        ([b'{"title": "a", "price": "9.5"}'], 'PRODUCT.price: "9.5"; a finite number of at least 0'),
        ([b'{"title": "a", "price": true}'], "PRODUCT.price: true; a finite number"),
        ([b'{"title": "a", "available": 1}'], "PRODUCT.available: 1; true or false is needed"),
        ([b'{"title": "a", "image": 1}'], "PRODUCT.image: 1; a string is needed"),
        ([b'{"title": "a", "attributes": []}'], "PRODUCT.attributes: an object"),
        ([b'{"title": "a", "attributes": {" ": 1}}'], 'PRODUCT.attributes: " "; a name that is not empty'),
        ([b'{"title": "a", "attributes": {"price": 1}}'], 'PRODUCT.attributes: "price"; a name that'),
        ([b'{"title": "a", "attributes": {"b": [1]}}'], "PRODUCT.attributes.b: [1]; a string, a finite number or a"),
        ([b'{"title": "a", "attributes": {"b": Infinity}}'], "PRODUCT.attributes.b: Infinity; a string, a finite"),
        ([b'{"title": "a", "attributes": {"b": "\\udfff"}}'], "PRODUCT.attributes.b: holds half of a surrogate pair"),
    ],
)
def test_refuses_what_is_no_product(rows: list[bytes], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_products(rows)
    assert str(caught.value).startswith(message)


def test_null_is_as_good_as_absent_and_levels_are_told_apart() -> None:
    (parsed,) = parse_products([b'{"title": "a", "id": null, "price": null, "attributes": null}'])
    assert parsed == {"title": "a", "id": None, "price": None, "attributes": {}}
    product = {"title": "a", "category": " Kitchen / /Mugs/"}
    assert product_text(product, ProductSettings(("category",))) == "Kitchen, Mugs"


@pytest.mark.parametrize(
    ("products", "pictures", "message"),
    [
        ([{"title": "a"}, {"title": " "}], [b"", b""], "PRODUCT[1]: empty"),
        ([{"title": "mug \ud800"}], [b""], "PRODUCT: holds half of a surrogate pair"),
        ([{"title": "a"}, {"title": "b"}], [b"", b"no picture"], "IMAGE[1]: not a picture"),
    ],
)
def test_names_the_row(
    preprocess: ProductPreprocessor, products: list[dict[str, Any]], pictures: list[bytes], message: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        preprocess(products, pictures)
    assert str(caught.value).startswith(message)


def test_a_row_of_the_catalogue_is_embedded_as_a_row_of_the_index(tiny_pipeline: Pipeline) -> None:
    rows = tiny.products(12)
    parsed = parse_products([json.dumps(row).encode() for row in rows])
    embedded = tiny_pipeline.encoders.embed_product(parsed, tiny.pictures(rows))
    # The noise of a picture depends on its place in the list, which is the same here and there.
    np.testing.assert_allclose(embedded, tiny_pipeline.index.slots.rows(np.arange(12)), atol=2**-11)  # of 16 bits
