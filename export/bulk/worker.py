"""What runs in a worker: a pair of towers that embeds parts of shards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from catalogue import BadRow, Product, UnreadablePicture
from catalogue.errors import shown
from ensemble.errors import EnsembleError, InvalidInput
from ensemble.product import product_text
from export.bulk.contents import UNREADABLE, content_of, digest_of
from export.bulk.items import PictureFolder
from export.bulk.released import opened
from export.bulk.same import differences, made_by
from export.bulk.shards import Halves
from export.embedding import Rows, hold_rows
from export.errors import BulkFailed, GateFailed, WorkerFailed

MADE = pa.schema(
    [
        ("shard", pa.int32()),
        ("place", pa.int32()),
        ("content", pa.string()),
        ("row", pa.binary()),
        ("problem", pa.string()),
    ]
)
# The shard of a table that holds no rows, but says why.
SAID = -1


@dataclass(frozen=True)
class Setup:
    """What every worker starts from.

    Args:
        files: What encoders are opened from, by the path in the repository.
        release: Of which release.
        pictures: The file that the paths of pictures start beside; None where there is none.
        made_by: As ``same.made_by`` is where the run was started.
    """

    files: Mapping[str, bytes]
    release: int
    pictures: str | None
    made_by: Mapping[str, str]


@dataclass(frozen=True)
class _Read:
    """One product of a part, with its picture."""

    row: int
    product: Product
    picture: bytes
    content: str
    problem: BadRow | None = None


class Worker:
    """Embeds parts.

    Args:
        setup: What it starts from.

    Raises:
        WorkerFailed: Other code or packages are installed here, or the towers cannot be used.
    """

    def __init__(self, setup: Setup) -> None:
        differing = differences(setup.made_by, made_by())
        if differing:
            raise WorkerFailed(f"a worker has another {', '.join(differing)}; install the same there")
        try:
            self._encoders = opened(setup.files, setup.release)
        except EnsembleError as error:
            raise WorkerFailed(f"a worker cannot open the towers: {error}") from None
        self._folder = PictureFolder(setup.pictures, self._encoders.image.settings.max_bytes)

    def embed(self, part: Any) -> Any:
        """Embed a table of ``planning.PART``.

        Returns:
            A table of ``MADE``: ``row`` is float16, little-endian, as bytes; ``problem`` is JSON of the ``BadRow``
            where the product cannot be embedded, else null.

        Raises:
            WorkerFailed: A tower gives vectors that are not of length 1, or refuses what was prepared for it.
        """
        read = [self._read(one) for one in part.select(["row", "product", "picture"]).to_pylist()]
        rows, problems = self._rows(read)
        told = [None if problem is None else json.dumps(asdict(problem)) for problem in problems]
        columns = [part["shard"], part["place"], [one.content for one in read], [row.tobytes() for row in rows], told]
        return pa.table(columns, schema=MADE)

    def _read(self, told: Mapping[str, Any]) -> _Read:
        product = Product(**json.loads(told["product"]))
        text = product_text(product.as_dict(), self._encoders.product)
        try:
            picture = self._picture(product, told["picture"])
        except UnreadablePicture as error:
            problem = BadRow(told["row"], "image", shown(product.image), str(error))
            return _Read(told["row"], product, b"", content_of(text, UNREADABLE), problem)
        return _Read(told["row"], product, picture, content_of(text, digest_of(picture)))

    def _picture(self, product: Product, came: bytes | None) -> bytes:
        if came is not None:
            return came
        return self._folder.read(product.image) if product.image else b""

    def _rows(self, read: Sequence[_Read]) -> tuple[Halves, list[BadRow | None]]:
        """Rows ``(products, row_dim)`` and problems; each product has one of them, and zeros where it has no row."""
        problems = [one.problem for one in read]
        rows = np.zeros((len(read), self._encoders.text_tower.dim + self._encoders.vision_tower.dim), "<f2")
        while good := [at for at, problem in enumerate(problems) if problem is None]:
            try:
                rows[good] = self._encoded([read[at] for at in good])
                break
            except InvalidInput as error:
                at = good[error.row or 0]
                problems[at] = _problem(read[at], error, of=len(good))
        return rows, problems

    def _encoded(self, read: Sequence[_Read]) -> Rows:
        products = [one.product for one in read]
        rows = self._encoders.embed_product([product.as_dict() for product in products], [one.picture for one in read])
        try:
            hold_rows(rows, products, self._encoders.text_tower.dim)
        except GateFailed as error:
            # As one string: it crosses processes.
            raise WorkerFailed(str(error)) from None
        return rows


def said(kind: type[BulkFailed], message: str) -> Any:
    """A table like those of ``Worker.embed``, that says why there is none."""
    columns = ([SAID], [SAID], [kind.__name__], [b""], [message])
    return pa.Table.from_arrays(
        [pa.array(one, field.type) for one, field in zip(columns, MADE, strict=True)], schema=MADE
    )


def _problem(read: _Read, error: InvalidInput, *, of: int) -> BadRow:
    if error.name not in ("PRODUCT", "IMAGE") or (error.row is None and of > 1):
        raise WorkerFailed(f"a tower refuses what was prepared for it: {error}") from None
    if error.name == "PRODUCT":
        return BadRow(read.row, "text", shown(read.product.title), error.problem)
    return BadRow(read.row, "image", shown(read.product.image), error.problem)
