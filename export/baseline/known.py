"""Known queries: those of the queries file or, where it has none of a kind, such as the catalogue suggests."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from catalogue import Product, UnreadablePicture
from ensemble.image import FORMATS, on_white, to_channels, upright
from export.checking import CheckedCatalogue
from export.errors import BadEvaluation
from export.queries import Query

log = logging.getLogger(__name__)

MOST_TEXTS, MOST_PHOTOS = 512, 256
MOST_TEXT_QUESTIONS, MOST_PHOTO_QUESTIONS = 200, 50
QUERIES, CATALOGUE = "queries", "catalogue"
# A shopper types a few words of what a title says.
_WORDS = (2, 5)
_LONGEST_SIDE = 320
_SEED = 6
# What is looked at of a large catalogue: of the other products titles alone are read, once.
_MOST_PRODUCTS = 20_000

Item = TypeVar("Item")


@dataclass(frozen=True)
class Photo:
    """A picture that stands for a shopper's photo.

    Args:
        name: Its file.
        data: Its bytes.
    """

    name: str
    data: bytes


@dataclass(frozen=True)
class Question:
    """A query with its right answers.

    Args:
        text: What is typed; None for a photo.
        photo: A picture's bytes; None for a text.
        products: Ids of the products that are right.
    """

    text: str | None
    photo: bytes | None
    products: tuple[str, ...]

    def __post_init__(self) -> None:
        if (self.text is None) == (self.photo is None):
            raise ValueError("exactly one of `text` and `photo` must be given")
        if not self.products:
            raise ValueError("`products` must name at least one product")


@dataclass(frozen=True)
class Known:
    """What is known of queries.

    Args:
        texts: Different texts, as shoppers type them.
        photos: Different photos.
        questions: Those with right answers, which no index was asked for.
        sources: Of ``texts`` and ``photos``: ``queries`` or ``catalogue``.
        repeats: Whether any of the queries file was asked more than once, as in a log of what was asked.
    """

    texts: tuple[str, ...]
    photos: tuple[Photo, ...]
    questions: tuple[Question, ...]
    sources: dict[str, str]
    repeats: bool


def known_queries(queries: Sequence[Query], checked: CheckedCatalogue) -> Known:
    """Choose queries and questions; the same ones every time.

    Args:
        queries: Of the queries file; none where there is none.
        checked: The products.

    Raises:
        BadEvaluation: A photo of the queries cannot be read.
    """
    products = _some(checked.catalogue.products)
    texts = list(dict.fromkeys(query.text for query in _shuffled(queries) if query.text is not None))[:MOST_TEXTS]
    files = list(dict.fromkeys(query.image for query in _shuffled(queries) if query.image is not None))
    photos = [_photo(path) for path in files[:MOST_PHOTOS]]
    sources = {"texts": QUERIES if texts else CATALOGUE, "photos": QUERIES if photos else CATALOGUE}
    pictures = list(_pictures(products, checked, MOST_PHOTOS)) if not photos else []
    text_questions, photo_questions = _labelled(queries, _known_ids(queries, checked.catalogue.products))
    questions = text_questions[:MOST_TEXT_QUESTIONS] or _by_title(products, checked.catalogue.products)
    if not photo_questions:
        chosen = pictures or list(_pictures(products, checked, MOST_PHOTO_QUESTIONS))
        photo_questions = [Question(None, reduced(photo), (product.id,)) for product, photo in chosen]
    texts = texts or list(dict.fromkeys(typed(product.title) for product in products[:MOST_TEXTS]))
    repeats = len({query.text or str(query.image) for query in queries}) < len(queries)
    if queries and not repeats:
        log.warning(
            "no query of the queries file comes twice: popular ones are asked for far more often than such a list has "
            "them, and that may raise the drift alarm; give a sample of the log as it is, repeats included"
        )
    return Known(
        tuple(sorted(texts, key=len)),  # a batch is padded to its longest text
        tuple(photos or (photo for _, photo in pictures)),
        (*questions, *photo_questions[:MOST_PHOTO_QUESTIONS]),
        sources,
        repeats,
    )


def typed(title: str) -> str:
    """A title as a shopper might type it: some of its words in their order, in lower case; the same ones every time."""
    words = title.lower().split()
    random = np.random.default_rng([_SEED, *title.encode()])
    count = min(len(words), int(random.integers(*_WORDS, endpoint=True)))
    return " ".join(words[place] for place in sorted(random.permutation(len(words))[:count]))


def reduced(photo: Photo) -> bytes:
    """The photo as a small JPEG.

    Raises:
        BadEvaluation: It is no picture.
    """
    try:
        with Image.open(io.BytesIO(photo.data), formats=FORMATS) as image:
            image.load()  # Pillow decodes late, and a picture that is small already would stay in its file
            small = on_white(to_channels(upright(image)))
            small.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadEvaluation(f"{photo.name}: cannot be served: {error}") from error
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=85)
    return stream.getvalue()


def _labelled(queries: Sequence[Query], ids: set[str]) -> tuple[list[Question], list[Question]]:
    """Questions by text and by photo whose right answers are in the catalogue."""
    texts: list[Question] = []
    photos: list[Question] = []
    for query in dict.fromkeys(_shuffled(queries)):
        right = tuple(name for name in query.products if name in ids)
        if right and query.text is not None:
            texts.append(Question(query.text, None, right))
        elif right and query.image is not None and len(photos) < MOST_PHOTO_QUESTIONS:
            photos.append(Question(None, reduced(_photo(query.image)), right))
    return texts, photos


def _by_title(some: Sequence[Product], products: Sequence[Product]) -> list[Question]:
    """Each title that one product alone has, its words in any case and order, asks for that product.

    Args:
        some: Whose titles may be asked for.
        products: All of them.
    """
    counts = dict.fromkeys(map(_words_of, some), 0)
    for product in products:
        words = _words_of(product)
        if words in counts:
            counts[words] += 1
    alone = [product for product in some if counts[_words_of(product)] == 1]
    return [
        Question(" ".join(product.title.lower().split()), None, (product.id,))
        for product in alone[:MOST_TEXT_QUESTIONS]
    ]


def _words_of(product: Product) -> int:
    """A number for the set of a title's words; of two sets, the same one hardly ever."""
    return hash(frozenset(product.title.lower().split()))


def _known_ids(queries: Sequence[Query], products: Sequence[Product]) -> set[str]:
    """Which of the right answers are in the catalogue."""
    named = {name for query in queries for name in query.products}
    return {product.id for product in products if product.id in named} if named else set()


def _some(products: Sequence[Product]) -> list[Product]:
    """A sample in an order of chance, of a catalogue of any size; the same one every time."""
    random = np.random.default_rng(_SEED)
    if len(products) <= _MOST_PRODUCTS:
        return [products[place] for place in random.permutation(len(products))]
    places = dict.fromkeys(random.integers(len(products), size=_MOST_PRODUCTS).tolist())
    return [products[place] for place in places]


def _pictures(products: Sequence[Product], checked: CheckedCatalogue, most: int) -> Iterator[tuple[Product, Photo]]:
    """The first pictures, each of its bytes once; those that have gone since they were checked are passed over."""
    seen: set[bytes] = set()
    for product in products:
        if len(seen) == most:
            return
        if product.image is None:
            continue
        try:
            picture = checked.pictures.read(product.image)
        except UnreadablePicture:
            continue
        digest = hashlib.sha256(picture).digest()
        if digest not in seen:
            seen.add(digest)
            yield product, Photo(product.image, picture)


def _photo(path: Path) -> Photo:
    try:
        return Photo(path.name, path.read_bytes())
    except OSError as error:
        raise BadEvaluation(f"{path}: cannot be read: {error}") from error


def _shuffled(items: Sequence[Item]) -> list[Item]:
    return [items[place] for place in np.random.default_rng(_SEED).permutation(len(items))]
