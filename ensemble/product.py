"""A product on the request path: the JSON that indexing sends, and the text that its text half is encoded from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.image import ImagePreprocessor
from ensemble.product_checks import FIELDS, check_fields, read_object
from ensemble.settings import ProductSettings
from ensemble.text import TextPreprocessor, Tokens
from ensemble.words import as_word

Product = Mapping[str, Any]


def parse_products(rows: Sequence[bytes], *, name: str = "PRODUCT") -> list[dict[str, Any]]:
    """Read products from JSON.

    Raises:
        InvalidInput: One is not a JSON object with a string ``title``, is too long, or has a field that no product has
            or a value that it cannot have; names the row.
    """
    products = []
    for row, data in enumerate(rows):
        try:
            products.append(_parse(data, name))
        except InvalidInput as error:
            raise error.at(row, of=len(rows)) from None
    return products


def _parse(data: bytes, name: str) -> dict[str, Any]:
    product = read_object(data, FIELDS, name)
    if not isinstance(product.get("title"), str):
        raise InvalidInput(name, 'a JSON object with at least a "title" is needed')
    check_fields(product, name)
    return {**product, "attributes": product.get("attributes") or {}}


def product_text(product: Product, settings: ProductSettings) -> str:
    """The product's text for the text tower: the named fields, joined by full stops."""
    values = (_field(product, name) for name in settings.text)
    return ". ".join(value for value in values if value)


def _field(product: Product, name: str) -> str:
    if name == "title":
        return as_word(product["title"])
    if name == "category":
        levels = (level.strip() for level in str(product.get("category") or "").split("/"))
        return ", ".join(level for level in levels if level)
    value = product.get("attributes", {}).get(name)
    return "" if value is None else as_word(value)


@dataclass(frozen=True)
class Prepared:
    """Products as both towers take them.

    Args:
        tokens: The products' texts.
        pixels: ``(batch, size, size, 3)`` uint8; white where a product has no picture.
        has_image: ``(batch, 1)`` bool.
    """

    tokens: Tokens
    pixels: NDArray[np.uint8]
    has_image: NDArray[np.bool_]


@dataclass(frozen=True)
class ProductPreprocessor:
    """Prepares products for indexing.

    Args:
        text: Tokeniser.
        image: Decoder.
        settings: Which fields make the text.
    """

    text: TextPreprocessor
    image: ImagePreprocessor
    settings: ProductSettings

    def __call__(self, products: Sequence[Product], pictures: Sequence[bytes]) -> Prepared:
        """Prepare ``batch`` products with their pictures, an empty one where there is none.

        Raises:
            InvalidInput: A text or a picture cannot be encoded; names the row.
        """
        tokens = self.text([product_text(product, self.settings) for product in products], name="PRODUCT")
        pixels = np.stack([self.image.blank()] * len(pictures))
        shown = [row for row, picture in enumerate(pictures) if picture]
        for row in shown:
            try:
                pixels[row] = self.image([pictures[row]])[0]
            except InvalidInput as error:
                raise error.at(row, of=len(pictures)) from None
        has_image = np.array([[bool(picture)] for picture in pictures], np.bool_)
        return Prepared(tokens, pixels, has_image)


def product_rows(
    text: NDArray[np.float32], image: NDArray[np.float32], has_image: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Rows of the index, ``(batch, text_dim + image_dim)``; the image half is zero where there is no picture."""
    return np.concatenate([text, np.where(has_image, image, np.float32(0))], axis=1)
