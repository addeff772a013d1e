"""Reads the catalogue of a release, and checks each text and picture as the request path would take it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import fsspec

from catalogue import BadRow, BadRows, Catalogue, Columns, Pictures, Product, UnreadablePicture, read_all
from catalogue.errors import MAX_LISTED, UnreadableCatalogue, shown, write_problems
from ensemble.errors import InvalidInput
from ensemble.image import ImagePreprocessor
from ensemble.product import product_text
from ensemble.settings import ImageSettings, ProductSettings, TextSettings
from ensemble.text import clean_text
from export.errors import BadSource
from export.towers_file import TowersFile

CHUNK_BYTES = 1 << 20
# In the store: all problems of a catalogue that was refused, where they are too many to be shown.
BAD_ROWS = "bad-rows.jsonl"
# In the release's folder: the problems of the rows that were left out.
SKIPPED_ROWS = "skipped.jsonl"

Advance = Callable[[int], None]


@dataclass(frozen=True)
class CheckedCatalogue:
    """A catalogue of which every product can be embedded.

    Args:
        catalogue: Its products, and the rows that were left out.
        pictures: Reads their pictures.
        sha256: Of the file.
        products_sha256: Over all fields of all products, which follow from the columns too.
        pictures_sha256: Over the hashes of all pictures, in the order of the products.
        pictures_count: How many products have one.
    """

    catalogue: Catalogue
    pictures: Pictures
    sha256: str
    products_sha256: str
    pictures_sha256: str
    pictures_count: int

    @property
    def hashes(self) -> dict[str, str]:
        """Of everything that was read."""
        return {"products": self.products_sha256, "pictures": self.pictures_sha256}


def columns_of(towers: TowersFile, towers_path: Path, columns: Path | None) -> Columns:
    """The mapping of ``--columns``, else that of the towers file, else the default.

    Raises:
        BadColumns: Lists every problem.
    """
    if columns is not None:
        return Columns.load(columns)
    if towers.columns is not None:
        return Columns.from_table(towers.columns, source=str(towers_path))
    return Columns()


def read_checked(
    location: str,
    columns: Columns,
    settings: tuple[TextSettings, ImageSettings, ProductSettings],
    *,
    skip_bad_rows: bool,
    start: Callable[[int], Advance],
) -> CheckedCatalogue:
    """Read a catalogue and decode every picture once, so that all bad rows are known before the long work begins.

    Args:
        location: The catalogue file.
        columns: Which column holds which field.
        settings: Limits of texts and pictures, and the fields that make a product's text.
        skip_bad_rows: Go on without bad rows.
        start: Told how many products there are, once they are known; gives what is told of each that is checked.

    Raises:
        CatalogueError: The file cannot be read, or rows are bad; lists every problem of every row.
        BadSource: No product has a field that is to make its text.
    """
    whole = read_all(location, columns)
    _check_text_fields(whole.products, settings[2])
    checker = _Checker(Pictures(location, max_bytes=settings[1].max_bytes), settings)
    advance = start(len(whole.products))
    kept: list[tuple[int, Product]] = []
    problems = list(whole.skipped)
    for number, product in zip(whole.rows, whole.products, strict=True):
        found = checker.check(number, product)
        problems += found
        if not found:
            kept.append((number, product))
        advance(1)
    problems.sort(key=lambda problem: problem.row)
    if problems and not skip_bad_rows:
        raise BadRows(location, problems)
    if not kept:
        raise UnreadableCatalogue(f"{location}: holds no product that can be used; {len(problems):,} problem(s)")
    catalogue = Catalogue(location, tuple(one for _, one in kept), tuple(row for row, _ in kept), tuple(problems))
    hashes = _sha256(location), _sha256_of(catalogue.products), checker.digest.hexdigest()
    return CheckedCatalogue(catalogue, checker.pictures, *hashes, checker.count)


@contextmanager
def all_problems_listed(path: Path) -> Iterator[None]:
    """Write the problems of ``BadRows`` to a file where they are too many to be shown, and name it in the error.

    A file that an earlier run left is removed: it tells of rows that may be mended by now.

    Raises:
        BadRows: As it came, with the file where there is one.
    """
    path.unlink(missing_ok=True)
    try:
        yield
    except BadRows as error:
        if len(error.problems) <= MAX_LISTED:
            raise
        write_problems(path, error.problems)
        raise BadRows(error.source, error.problems, listed_in=str(path)) from None


def _check_text_fields(products: Sequence[Product], settings: ProductSettings) -> None:
    """Refuse a field of ``[product] text`` that no product has: it would be left out silently."""
    known = {"title", "category", *(name for product in products for name in product.attributes)}
    unknown = [name for name in settings.text if name not in known]
    if products and unknown:
        raise BadSource(f"[product] text = {unknown}: no product has them; allowed: {', '.join(sorted(known))}")


class _Checker:
    """Takes each product through preprocessing, and notes what its picture was."""

    def __init__(self, pictures: Pictures, settings: tuple[TextSettings, ImageSettings, ProductSettings]) -> None:
        self.pictures = pictures
        self.digest = hashlib.sha256()
        self.count = 0
        self._text, image, self._product = settings
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


def _sha256(location: str) -> str:
    digest = hashlib.sha256()
    try:
        with fsspec.open(location, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise BadSource(f"{location}: cannot be read again: {error}") from error
    return digest.hexdigest()
