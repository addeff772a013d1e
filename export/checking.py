"""Checks each text and picture of a catalogue as the request path would take it, before the long work begins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from catalogue import BadRow, BadRows, Catalogue, Product, UnreadablePicture
from catalogue.errors import UnreadableCatalogue, shown
from ensemble.errors import InvalidInput
from ensemble.image import ImagePreprocessor
from ensemble.product import product_text
from ensemble.settings import ImageSettings, ProductSettings, TextSettings
from ensemble.text import clean_text
from export.errors import BadSource
from export.pictures import PictureGone, PictureSource

Advance = Callable[[int], None]
Limits = tuple[TextSettings, ImageSettings, ProductSettings]


@dataclass(frozen=True)
class CheckedCatalogue:
    """A catalogue of which every product can be embedded.

    Args:
        catalogue: Its products, and the rows that were left out.
        pictures: Reads their pictures.
        sha256: Of the file; of the products where there is none.
        products_sha256: Over all fields of all products, which follow from the columns too.
        pictures_sha256: Over the hashes of all pictures, in the order of the products.
        pictures_count: How many products have one.
        images: Id to ``image`` as the catalogue has it, of products whose picture is read by another name.
    """

    catalogue: Catalogue
    pictures: PictureSource
    sha256: str
    products_sha256: str
    pictures_sha256: str
    pictures_count: int
    images: Mapping[str, str | None] = field(default_factory=dict)

    @property
    def hashes(self) -> dict[str, str]:
        """Of everything that was read."""
        return {"products": self.products_sha256, "pictures": self.pictures_sha256}

    def documents(self) -> list[dict[str, Any]]:
        """The products as answers show them."""
        products = self.catalogue.products
        return [replace(one, image=self.images.get(one.id, one.image)).as_dict() for one in products]


def check_catalogue(
    whole: Catalogue,
    pictures: PictureSource,
    limits: Limits,
    *,
    skip_bad_rows: bool,
    start: Callable[[int], Advance],
) -> CheckedCatalogue:
    """Prepare every text and decode every picture once.

    Args:
        whole: The products, and what was wrong with the rows that did not become products.
        pictures: Reads their pictures.
        limits: Of texts and pictures, and the fields that make a product's text.
        skip_bad_rows: Go on without bad rows.
        start: Told how many products there are; gives what is told of each that is checked.

    Raises:
        CatalogueError: Rows are bad, or none is left; lists every problem of every row.
        BadSource: No product has a field that is to make its text.
    """
    _check_text_fields(whole.products, limits[2])
    checker = _Checker(pictures, limits)
    advance = start(len(whole.products))
    kept: list[tuple[int, Product]] = []
    problems = list(whole.skipped)
    for number, product in zip(whole.rows, whole.products, strict=True):
        advance(1)
        try:
            found = checker.check(number, product)
        except PictureGone:
            continue  # it changed since it was read: the journal will bring it to the index
        problems += found
        if not found:
            kept.append((number, product))
    problems.sort(key=lambda problem: problem.row)
    if problems and not skip_bad_rows:
        raise BadRows(whole.location, problems)
    if not kept:
        raise UnreadableCatalogue(f"{whole.location}: holds no product that can be used; {len(problems):,} problem(s)")
    catalogue = Catalogue(whole.location, tuple(one for _, one in kept), tuple(row for row, _ in kept), tuple(problems))
    products = _sha256_of(catalogue.products)
    return CheckedCatalogue(catalogue, pictures, products, products, checker.digest.hexdigest(), checker.count)


def _check_text_fields(products: Sequence[Product], settings: ProductSettings) -> None:
    """Refuse a field of ``[product] text`` that no product has: it would be left out silently."""
    known = {"title", "category", *(name for product in products for name in product.attributes)}
    unknown = [name for name in settings.text if name not in known]
    if products and unknown:
        raise BadSource(f"[product] text = {unknown}: no product has them; allowed: {', '.join(sorted(known))}")


class _Checker:
    """Takes each product through preprocessing, and notes what its picture was."""

    def __init__(self, pictures: PictureSource, limits: Limits) -> None:
        self.pictures = pictures
        self.digest = hashlib.sha256()
        self.count = 0
        self._text, image, self._product = limits
        self._decode = ImagePreprocessor(image)

    def check(self, number: int, product: Product) -> list[BadRow]:
        """What is wrong with a product's text and picture."""
        problems = []
        try:
            clean_text(product_text(product.as_dict(), self._product), self._text)
        except InvalidInput as error:
            problems.append(BadRow(number, "text", shown(product.title), error.problem))
        if product.image:
            problems += self._check_picture(number, product.image)
        return problems

    def _check_picture(self, number: int, image: str) -> list[BadRow]:
        try:
            picture = self.pictures.read(image)
            self._decode([picture])
        except PictureGone:
            raise
        except UnreadablePicture as error:
            return [BadRow(number, "image", shown(image), str(error))]
        except InvalidInput as error:
            return [BadRow(number, "image", shown(image), error.problem)]
        self.digest.update(hashlib.sha256(picture).digest())
        self.count += 1
        return []


def _sha256_of(products: Sequence[Product]) -> str:
    digest = hashlib.sha256()
    for product in products:
        digest.update(json.dumps(product.as_dict(), sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
