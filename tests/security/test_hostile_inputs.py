"""Input made to do harm, through a real server: an error that says the limit, no crash, bounded memory."""

from __future__ import annotations

import http.server
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from catalogue.database import Database
from catalogue.database.values import Entry
from catalogue.product import Product
from clients import BadInput, Client, Query
from deploy import procfs
from deploy.server import Server
from tests.deploy.conftest import wait_for
from tests.security.hostile import HARMLESS, ODD, PICTURES, TEXTS

MOST_GROWTH_MB = 200
TITLE = "red mug"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with Client(server.grpc_url, timeout_s=60) as connected:
        yield connected


@pytest.fixture(scope="module", autouse=True)
def unharmed(server: Server) -> Iterator[None]:
    """Whatever is sent, no process dies, and none takes much more memory than before."""
    before, pid = stubs_of(server), server.pid
    yield
    assert server.pid == pid
    assert stubs_of(server).keys() == before.keys()
    grown = {name: peak - before[name] for name, peak in stubs_of(server).items()}
    assert max(grown.values()) < MOST_GROWTH_MB, grown
    assert not [event for event in server.events if event.kind in ("stub_died", "restarting", "probe_failed")]


def stubs_of(server: Server) -> dict[int, int]:
    """Process ids of the models to the most memory that each ever had, in MB."""
    peaks = {}
    for child in procfs.children(server.pid):
        told = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{child.pid}/status").read_text())
        peaks[child.pid] = int(told[1]) // 1024 if told else 0
    assert peaks
    return peaks


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("case", PICTURES)
def test_a_hostile_picture_is_refused_by_name(client: Client, case: str) -> None:
    make, message = PICTURES[case]
    with pytest.raises(BadInput) as caught:
        client.search(image=make())
    assert str(caught.value).startswith(message)
    assert client.search(text=TITLE, k=3).results


@pytest.mark.parametrize("case", ODD)
def test_an_odd_picture_is_shown_or_refused(client: Client, case: str) -> None:
    try:
        found = client.search(image=ODD[case](), k=3).results
    except BadInput as error:
        assert str(error).startswith("IMAGE: ")  # noqa: PT017 -- either will do
    else:
        assert len(found) == 3


@pytest.mark.parametrize("case", TEXTS)
def test_a_hostile_query_is_refused_by_name(client: Client, case: str) -> None:
    fields, message = TEXTS[case]
    with pytest.raises(BadInput) as caught:
        client.search_many([Query(**fields)])
    assert str(caught.value).startswith(message)
    assert len(str(caught.value)) < 2_000, "an error does not send the input back"


@pytest.mark.parametrize("text", HARMLESS, ids=ascii)
def test_a_text_is_only_a_text(client: Client, text: str) -> None:
    assert len(client.search(text=text, k=3).results) == 3


def test_more_rows_than_a_batch_may_have_are_refused(client: Client) -> None:
    with pytest.raises(BadInput, match="batch-size must be <= "):
        client.search_many([Query(text=TITLE)] * 1_000)


PATHS = (
    "../../../etc/passwd",
    "/etc/passwd",
    "..\\..\\x",
    "file:///etc/passwd",
    "a/../../b",
    "~root",
    "%2e%2e%2fx",
    "-rf",
)


@pytest.mark.parametrize("id_", PATHS)
def test_an_id_is_never_a_path(client: Client, store: Path, id_: str) -> None:
    before = outside(store)
    written = client.upsert({"id": id_, "title": TITLE, "image": id_}, jpeg())
    assert written.id == id_
    found = client.search(text=TITLE, k=100, min_seq=written.seq)
    assert id_ in [result.id for result in found.results]
    assert client.delete(id_).found
    assert outside(store) == before


def outside(store: Path) -> set[Path]:
    """All that lies around the store: it is alone in its folder, which two levels up would be left."""
    return {path for path in store.parent.parent.rglob("*") if not path.is_relative_to(store) and path.exists()}


@pytest.mark.parametrize("image", ["../../etc/passwd", "/etc/passwd", "http://127.0.0.1:1/x.jpg", "s3://bucket/x"])
def test_a_picture_that_is_only_named_is_refused(client: Client, image: str) -> None:
    with pytest.raises(BadInput, match=r"^IMAGE: empty, though PRODUCT.image names "):
        client.upsert({"id": "named", "title": TITLE, "image": image})


@pytest.fixture
def trap() -> Iterator[tuple[str, list[str]]]:
    """A web server of the caller's choice, and what was asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/picture.jpg", asked
        listening.shutdown()
        thread.join()


def test_no_address_of_a_caller_is_ever_asked(client: Client, trap: tuple[str, list[str]]) -> None:
    address, asked = trap
    fields: dict[str, Any] = {"id": "trap", "title": address, "category": address}
    for send in (
        lambda: client.search(image=address.encode()),
        lambda: client.embed_product({**fields, "image": address}, address.encode()),
        lambda: client.upsert({**fields, "image": address}),
        lambda: client.upsert({**fields, "image": address}, address.encode()),
    ):
        with pytest.raises(BadInput):
            send()
    client.search(text=address)
    written = client.upsert({**fields, "image": address}, jpeg())
    assert client.search(text=TITLE, k=100, min_seq=written.seq).results
    client.delete("trap")
    assert asked == []


@pytest.mark.parametrize("image", ["", "../../../../../../../../etc/hostname", "%2e%2e/%2e%2e/%2e%2e/etc/hostname"])
def test_the_keeper_reads_no_picture_outside_the_catalogues_folder(
    store: Path, trap: tuple[str, list[str]], image: str
) -> None:
    """Who writes to the database past the server can name any picture, and the keeper encodes what is named."""
    address, asked = trap
    image = image or address
    with Database.open(f"sqlite:///{store / 'catalogue.sqlite'}") as database:
        database.upsert([Entry(Product("named", TITLE, image=image))])
        log = store / "run" / "keeper.log"
        wait_for(lambda: log.exists() and re.sub(r"\s+", "", f"its picture {image!r} cannot be read") in flat(log))
        database.delete(["named"])
    assert asked == []


def flat(log: Path) -> str:
    """A log without the places where its lines were broken."""
    return re.sub(r"\s+", "", log.read_text())
