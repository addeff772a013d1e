"""Writes as the server's models make them, on a real database."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalogue.database import Database, Entry, Space
from catalogue.errors import CatalogueError
from catalogue.serving import CATALOGUE, Connection, Writer, open_commits, open_deletions, open_patches
from catalogue.serving.operations import Operation, deletions, patches, upserts
from ensemble.errors import InvalidInput, Unavailable
from ensemble.serving import Tensors
from ensemble.settings import ProductSettings, SpaceSettings, write

SPACE = Space("s" * 64, 2, 2, ("title", "material"))
RELEASE = 3
UNIT = (0.6, 0.8)
Row = tuple[float, ...]


@pytest.fixture
def url(tmp_path: Path) -> str:
    made = f"sqlite:///{tmp_path / 'catalogue.sqlite'}"
    Database.open(made, create=True).close()
    return made


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    made = Connection(url, SPACE)
    yield made
    made.close()


@pytest.fixture
def commit(connection: Connection) -> Writer[Entry, int]:
    return Writer(connection, upserts(SPACE, RELEASE))


def bytes_of(values: Sequence[Any]) -> Any:
    return np.array([[each if isinstance(each, bytes) else json.dumps(each).encode()] for each in values], object)


def request(*products: Any, image: bytes = b"", row: Row = (*UNIT, 0, 0), **more: Any) -> dict[str, Any]:
    count = len(products)
    rows = np.array([row] * count, np.float32)
    return {"PRODUCT": bytes_of(products), "IMAGE": bytes_of([image] * count), "ROW": rows, **more}


def mug(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "title": f"Mug {name}", **fields}


def ids(database_url: str) -> list[str]:
    with Database.open(database_url) as database:
        return sorted(stored.product.id for stored in database.products())


def told(answer: Tensors | Exception) -> Any:
    if isinstance(answer, Exception):
        return f"{type(answer).__name__} {answer}"
    return {name: value.ravel().tolist() for name, value in answer.items()}


def test_a_product_is_written_with_its_picture_and_its_row(commit: Writer[Entry, int], url: str) -> None:
    whole = mug("P1", category="Kitchen/Mugs", price=4.5, available=False, attributes={"colour": "red"})
    (answer,) = commit.answer([request(whole, image=b"jpeg", row=(*UNIT, 1, 0))])
    assert told(answer) == {"PRODUCT_ID": [b"P1"], "SEQ": [1], "RELEASE": [RELEASE]}
    assert isinstance(answer, Mapping)
    assert [value.shape for value in answer.values()] == [(1, 1)] * 3
    with Database.open(url) as database:
        (stored,) = database.stored(["P1"])
        assert stored.product.as_dict() == {**whole, "image": None}
        assert database.picture(stored, 100) == b"jpeg"
        assert database.unembedded(SPACE.space_id, 10) == []


def test_requests_are_committed_together_and_refused_alone(commit: Writer[Entry, int], url: str) -> None:
    answers = commit.answer([
        request(mug("P1", attributes={"size": 1})),
        request(mug("P2", price=float("nan"))),
        request(mug("P3"), mug("P4")),
        request(mug("P5"), mug("P6"), mug("P7", attributes={"size": "large"})),
        request(mug("P8", attributes={"size": True})),
        request(mug("P9")),
    ])  # fmt: skip
    assert told(answers[0])["SEQ"] == [1]
    assert told(answers[1]) == "InvalidInput PRODUCT.price: NaN; a finite number of at least 0 is needed"
    assert told(answers[2])["PRODUCT_ID"] == [b"P3", b"P4"]
    assert told(answers[3]).startswith(
        "InvalidInput PRODUCT[2]: product 'P7': attributes.size = 'large'; allowed: a num"
    )
    assert told(answers[4]).startswith("InvalidInput PRODUCT: product 'P8': attributes.size = True; allowed: a number")
    assert told(answers[5])["SEQ"] == [2]
    assert sorted(told(answers[2])["SEQ"]) == [3, 4]
    assert ids(url) == ["P1", "P3", "P4", "P9"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (request({"title": "Mug"}), "PRODUCT.id: 0 characters; 1 to 256 are allowed"),
        (request(mug(" ")), "PRODUCT.id: 0 characters; 1 to 256 are allowed"),
        (request(mug("P", title=" ")), "PRODUCT.title: empty; give at least one character"),
        (request(mug("P", note=1)), 'PRODUCT: unknown field "note"; allowed: id, title'),
        (request(mug("P", attributes={"a": "x" * 10_000_000})), "PRODUCT: 10,000,0"),
        (request(mug("P", image="../../etc/passwd")), "IMAGE: empty, though PRODUCT.image names '../../etc/passwd'"),
        (request(mug("P"), row=(np.nan, 0, 0, 0)), "ROW: holds a value that is not finite"),
        (request(mug("P"), row=(*UNIT, np.inf, 0)), "ROW: holds a value that is not finite"),
        (request(mug("P"), row=(*UNIT, 0)), "ROW: 3 numbers; this release's space has 4"),
        (request(mug("P"), row=(3, 4, 0, 0)), "ROW: its text half has length 5; 1, or 0 for none, is needed"),
        (request(mug("P"), row=(*UNIT, 0, 1e38)), "ROW: its image half has length 1e+38; 1, or 0 for none, is needed"),
        (request(mug("P"), row=(0, 0, 0, 0)), "PRODUCT: product 'P': vector of space ssssssssssss...: only zeros"),
        (
            request(mug("P"), SPACE_ID=bytes_of([b"t" * 64])),
            f"SPACE_ID: {b't' * 64!r}; the space of this release is sss",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(
    commit: Writer[Entry, int], url: str, bad: Tensors, message: str
) -> None:
    first, refused, last = commit.answer([request(mug("A")), bad, request(mug("Z"), SPACE_ID=bytes_of([b"s" * 64]))])
    assert isinstance(refused, InvalidInput)
    assert str(refused).startswith(message)
    assert told(first)["SEQ"] + told(last)["SEQ"] == [1, 2]
    assert ids(url) == ["A", "Z"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([mug("A"), mug("")], "PRODUCT.id[1]: 0 characters"),
        ([mug("A"), {"title": "B"}], "PRODUCT.id[1]: 0 characters"),
        ([mug("A"), mug("B", image="b.png")], "IMAGE[1]: empty, though"),
    ],
)
def test_the_row_is_named_and_nothing_of_its_request_is_written(
    commit: Writer[Entry, int], url: str, bad: list[Any], message: str
) -> None:
    (refused,) = commit.answer([request(*bad)])
    assert told(refused).startswith(f"InvalidInput {message}")
    assert ids(url) == []


def test_patches_and_deletions(commit: Writer[Entry, int], connection: Connection, url: str) -> None:
    commit.answer([request(mug("P1", price=4.5, attributes={"colour": "red", "material": "clay"}))])
    patch, delete = Writer(connection, patches()), Writer(connection, deletions())
    answers = patch.answer([
        {"PATCH": bytes_of([{"id": "P1", "price": 5, "attributes": {"colour": None, "new": True}}])},
        {"PATCH": bytes_of([{"id": "P1", "available": False}, {"id": "P2", "available": False}])},
        {"PATCH": bytes_of([{"id": "P1", "attributes": {"material": "tin"}}])},
        {"PATCH": bytes_of([{"id": "P1", "price": None}, {"id": "P1", "price": 6}])},
    ])  # fmt: skip
    assert told(answers[0]) == {"PRODUCT_ID": [b"P1"], "SEQ": [2]}
    assert told(answers[1]).startswith("InvalidInput PATCH[1]: patch of product 'P2': there is no such product")
    assert "attributes.material is part of the text that vectors are made of" in told(answers[2])
    assert told(answers[3]) == {"PRODUCT_ID": [b"P1", b"P1"], "SEQ": [3, 4]}
    with Database.open(url) as database:
        (stored,) = database.stored(["P1"])
        product = stored.product
    assert (product.price, product.available, dict(product.attributes)) == (6, True, {"material": "clay", "new": True})
    (answer,) = delete.answer([{"PRODUCT_ID": bytes_of([b"P1", b"P2", b"P1"])}])
    assert told(answer) == {"SEQ": [5, 5, 5], "FOUND": [True, False, False]}
    assert ids(url) == []


@pytest.mark.parametrize(
    ("operation", "inputs", "message"),
    [
        (patches(), {"PATCH": bytes_of([b"{"])}, "PATCH: not JSON"),
        (patches(), {"PATCH": bytes_of([{"price": 1}])}, "PATCH.id: 0 characters"),
        (
            patches(),
            {"PATCH": bytes_of([{"id": "a"}])},
            "PATCH: changes nothing; give at least one of price, available",
        ),
        (
            patches(),
            {"PATCH": bytes_of([{"id": "a", "title": "b"}])},
            'PATCH: unknown field "title"; allowed: id, price',
        ),
        (patches(), {"PATCH": bytes_of([{"id": "a", "price": float("inf")}])}, "PATCH.price: Infinity; a finite"),
        (patches(), {"PATCH": bytes_of([{"id": "a", "attributes": {"b": []}}])}, "PATCH.attributes.b: []; a string"),
        (patches(), {"PATCH": bytes_of([{"id": "a", "available": None}])}, "PATCH: patch of product 'a': available"),
        (deletions(), {"PRODUCT_ID": bytes_of([b"a", b""])}, "PRODUCT_ID[1]: 0 characters; 1 to 256 are allowed"),
        (deletions(), {"PRODUCT_ID": bytes_of([b"\xff"])}, "PRODUCT_ID: not UTF-8: invalid start byte at byte 0"),
        (deletions(), {"PRODUCT_ID": bytes_of([b"a\0b"])}, "PRODUCT_ID: holds a NUL character"),
    ],
)
def test_mistakes_in_patches_and_deletions(
    connection: Connection, operation: Operation[Any, Any], inputs: Tensors, message: str
) -> None:
    (answer,) = Writer(connection, operation).answer([inputs])
    assert isinstance(answer, InvalidInput)
    assert str(answer).startswith(message)


def test_a_row_that_nobody_foresaw_fails_alone(connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    def write(_database: Database, items: Sequence[int], *, whole: bool) -> list[int | CatalogueError]:
        if 13 in items:
            raise RuntimeError("unforeseen")
        return list(items)

    operation: Operation[int, int] = Operation(
        "X", lambda inputs: inputs["X"].tolist(), write, lambda _items, done: {"Y": np.array(done)}
    )
    answers = Writer(connection, operation).answer([{"X": np.array([number])} for number in (1, 13, 2)])
    assert [told(answer) for answer in answers] == [{"Y": [1]}, "RuntimeError unforeseen", {"Y": [2]}]
    assert "each is tried alone" in caplog.text


def test_without_a_database_every_write_says_so_until_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = SpaceSettings(SPACE.space_id, 2, 2)
    write(tmp_path / "settings.json", space=settings, product=ProductSettings(SPACE.text_fields))
    monkeypatch.delenv(CATALOGUE, raising=False)
    (answer,) = open_deletions().answer([{"PRODUCT_ID": bytes_of([b"a"])}])
    assert told(answer).startswith("Unavailable TANDEM_CATALOGUE is not set, so that this server has no catalogue")
    path = tmp_path / "catalogue.sqlite"
    monkeypatch.setenv(CATALOGUE, f"sqlite:///{path}")
    with caplog.at_level(logging.WARNING):
        commit, patch = open_commits(tmp_path, RELEASE), open_patches(tmp_path)
    assert caplog.text.count("writes are refused until this is mended: TANDEM_CATALOGUE: sqlite:///") == 2
    (refused, invalid) = commit.answer([request(mug("P1")), request(mug(""))])
    assert told(refused).startswith(f"Unavailable TANDEM_CATALOGUE: sqlite:///{path}: there is no such file")
    assert told(invalid).startswith("InvalidInput PRODUCT.id")
    Database.open(f"sqlite:///{path}", create=True).close()
    assert told(commit.answer([request(mug("P1"))])[0])["SEQ"] == [1]
    assert told(patch.answer([{"PATCH": bytes_of([{"id": "P1", "price": 1}])}])[0])["SEQ"] == [2]


def test_a_database_that_comes_back_is_written_to_again(commit: Writer[Entry, int], tmp_path: Path) -> None:
    path, aside = tmp_path / "catalogue.sqlite", tmp_path / "aside.sqlite"
    assert told(commit.answer([request(mug("P1"))])[0])["SEQ"] == [1]
    path.rename(aside)
    for _ in range(2):
        (answer,) = commit.answer([request(mug("P2"))])
        assert isinstance(answer, Unavailable)
        assert str(answer).startswith("TANDEM_CATALOGUE: sqlite:///")
    aside.rename(path)
    assert told(commit.answer([request(mug("P2"))])[0])["SEQ"] == [2]


def test_a_space_that_is_known_otherwise_is_told(url: str) -> None:
    with Database.open(url) as database:
        database.register(Space(SPACE.space_id, 8, 8, SPACE.text_fields))
    (answer,) = Writer(Connection(url, SPACE), upserts(SPACE, RELEASE)).answer([request(mug("P1"))])
    assert isinstance(answer, Unavailable)
    assert "as it is registered" in str(answer)
