"""What happens to the shop, and what is refused: the same for every engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from ensemble.query import Tensors
from tests.ensemble.contract.shop import product, row
from tests.ensemble.journal_twin import Change, TwinCatalogue

CHANGES: Mapping[str, Callable[[TwinCatalogue], object]] = {
    "new": lambda shop: shop.upsert(product(200), row(200)),
    "moved": lambda shop: shop.upsert(product(4, title="moved"), row(200)),
    "another document": lambda shop: shop.upsert(product(4, title="with another title", category="Sport")),
    "another price": lambda shop: shop.patch("S4", price=7.25),
    "no price": lambda shop: shop.patch("S30", price=None),
    "an attribute": lambda shop: shop.patch("S4", attributes={"color": "red"}),
    "no attributes": lambda shop: shop.patch("S25", attributes={}),
    "availability": lambda shop: shop.patch("S4", available=False),
    "deleted": lambda shop: shop.delete("S4"),
    "deleted, and never there": lambda shop: shop.delete("nobody"),
    "deleted and made again": lambda shop: (shop.delete("S7"), shop.upsert(product(7), row(7))),
    "made again without a row": lambda shop: (shop.delete("S8"), shop.upsert(product(8))),
    "without a row": lambda shop: shop.upsert(product(201)),
    "a row, later": lambda shop: (shop.upsert(product(202)), shop.embed("S202", row(202))),
    "a new attribute": lambda shop: shop.patch("S10", attributes={"weight": 2}),
    "numbers become words": lambda shop: shop.patch("S11", attributes={"size": "XL"}),
}

# What no index takes, and why.
REFUSED = (
    (Change("bad", b"{", row(1)), "product 'bad': its document is not JSON"),
    (Change("bad", b'{"id": "other"}', row(1)), "product 'bad': its document is not an object with this `id`"),
    (Change("bad", b'{"id": "bad"}', row(1)[:5]), r"product 'bad': a row of shape \[5\]; this space has \[6\]"),
    (Change("bad", b'{"id": "bad"}', row(1) * np.float16(np.nan)), "product 'bad': its row holds a value that is not"),
    (Change("S7", b'{"id": "S7", "price": "cheap"}', None), "product 'S7': 'price' is a number"),
    (Change("bad", b'{"id": "bad", "attributes": {"weight": 1}}', row(1)), "product 'bad': no kind is known of its"),
    (Change("S4", None, None), "a product is in the changes twice"),
)

BAD_FILTERS = (
    "{",
    "[]",
    '{"eq": ["color"]}',
    '{"eq": ["colour", "red"]}',
    '{"eq": ["size", "XL"]}',
    '{"in": ["new", [1]]}',
    '{"range": ["color", 1, 2]}',
    '{"under": ["color", "Home"]}',
    '{"and": [{"eq": ["color", "red"]}, {"or": []}]}',
    '{"near": ["price", 3]}',
    '{"eq": ["color", "' + 70_000 * "x" + '"]}',
    40 * '{"not": ' + '{"eq": ["color", "red"]}' + 40 * "}",
)

BAD_SCORES = (
    "price",
    "similarity * price",
    "similarity + color",
    "similarity + colour",
    "similarity + log(price)",
    "(",
)


def vectors(seed: int, batch: int = 1) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(batch, 3)).astype(np.float32)


FIELDS = ("available", "category", "color", "id", "mixed", "new", "price", "size")
BAD_REQUESTS: tuple[tuple[Tensors, str], ...] = (
    ({"TEXT_VECTOR": vectors(1)[:, :2]}, "TEXT_VECTOR: shape [1, 2]; [batch, 3] is needed"),
    ({"TEXT_VECTOR": vectors(1) * np.nan}, "TEXT_VECTOR: holds a value that is not finite"),
    ({"IMAGE_VECTOR": vectors(1) * np.inf}, "IMAGE_VECTOR: holds a value that is not finite"),
    ({}, "TEXT_VECTOR, IMAGE_VECTOR: both are missing; give at least one"),
    ({"TEXT_VECTOR": vectors(1), "K": np.array([[0]])}, "K: 0; 1 to 1,000 are allowed"),
    ({"TEXT_VECTOR": vectors(1), "K": np.array([[1_001]])}, "K: 1001; 1 to 1,000 are allowed"),
    (
        {"TEXT_VECTOR": vectors(1, 2), "FILTER": np.array([b"", b'{"eq": ["colour", "red"]}'], object)},
        f'FILTER.eq[1]: unknown field "colour"; this catalogue has {", ".join(FIELDS)}',
    ),
)
