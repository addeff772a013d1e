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
        ([b"[]"], 'PRODUCT: a JSON object with at least a "title"'),
        ([b'{"title": "a"}', b'{"title": 3}'], "PRODUCT[1]: a JSON object"),
        ([b'{"title": "a", "attributes": []}'], "PRODUCT.attributes: an object"),
        ([b"[" * 100_000], "PRODUCT: not JSON"),
    ],
)
def test_refuses_what_is_no_product(rows: list[bytes], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_products(rows)
    assert str(caught.value).startswith(message)


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
    np.testing.assert_allclose(embedded, tiny_pipeline.retrieval.slots.vectors[:12], atol=1e-6)
