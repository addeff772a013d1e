"""The kinds of writes. They write what the file says, so that the shop is afterwards what it was."""

from __future__ import annotations

from collections.abc import Sequence

from clients import BadInput, Patch, writes
from clients.tensors import Outputs
from loadtest.answers import Seen, check_written
from loadtest.errors import BadTraffic
from loadtest.traffic.asked import Asked, Kind, Material


def judge_write(outputs: Outputs, asked: Asked) -> Seen:
    """Read and check the answer to a write."""
    return check_written(writes.read_written(outputs), asked.written)


def _upsert(material: Material, numbers: Sequence[int], k: int) -> Asked:
    """Products put into the catalogue as they are in the file, so that the shop stays what it was."""
    del k
    products = [material.product(number) for number in numbers]
    try:
        call = writes.upsert(
            [(one.to_dict(), None if not one.image else material.folder / one.image) for one in products]
        )
    except BadInput as error:
        raise BadTraffic(f"catalogue: a product to write has a picture that is not there: {error}") from None
    return Asked("upsert", call, written=tuple(one.id for one in products))


def _patch(material: Material, numbers: Sequence[int], k: int) -> Asked:
    """The file's own prices, so that the shop stays what it was."""
    del k
    products = [material.product(number) for number in numbers]
    return Asked(
        "patch", writes.patch([Patch(one.id, one.price) for one in products]), written=tuple(one.id for one in products)
    )


WRITES = (
    Kind("upsert", _upsert, judge_write, ("products",), writes=True),
    Kind("patch", _patch, judge_write, ("products",), writes=True),
)
