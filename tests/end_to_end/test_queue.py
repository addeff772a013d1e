"""A flood is answered or refused, all of it and soon; what was let in is answered, and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from clients import AsyncClient, BadInput, Client, QueueFull, RetryPolicy
from deploy.errors import NoAnswer
from deploy.probe import read_probes
from deploy.server import Server
from deploy.store import find_release
from ensemble.admission.standing import standing
from ensemble.hashing import sha256
from ensemble.release import Manifest, manifest_path
from tests.deploy.conftest import wait_for
from tests.deploy.measured.conftest import total

BOUND = 6
ENTRANCES = ("text_preprocess", "image_preprocess", "product_preprocess")
Kind = Literal["text", "photo", "both", "write"]
KINDS: tuple[Kind, ...] = ("text", "photo", "both", "write")


@pytest.fixture(scope="module")
def narrow(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The release, with a bound so small that a test reaches it."""
    copy = shutil.copytree(store, tmp_path_factory.mktemp("narrow") / "store")
    for model in ENTRANCES:
        narrow_entrance(copy, model)
    with Server(copy) as server:
        yield server


@pytest.fixture
def client(narrow: Server) -> Iterator[Client]:
    with Client(narrow.grpc_url, timeout_s=30, retries=RetryPolicy(tries=1)) as client:
        yield client


@pytest.fixture(scope="session")
def photos(sample: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((sample / "photos").iterdir())]


def ask(client: Client, kind: Kind, number: int, photo: bytes) -> str:
    """What came of one request, in a word."""
    try:
        match kind:
            case "text":
                found = len(client.search(text=f"{number} red mug").results)
            case "photo":
                found = len(client.search(image=photo).results)
            case "both":
                found = len(client.search(text=f"{number} red mug", image=photo).results)
            case "write":
                client.upsert({"id": f"flood-{number}", "title": f"mug {number}"}, photo)
                return "written"
    except QueueFull as error:
        return str(error)
    return f"{found} found"


def flood(client: Client, photos: Sequence[bytes], requests: int) -> Counter[str]:
    with ThreadPoolExecutor(requests) as pool:
        numbers = range(requests)
        kinds = [KINDS[number % len(KINDS)] for number in numbers]
        shown = [photos[number % len(photos)] for number in numbers]
        return Counter(pool.map(ask, [client] * requests, kinds, numbers, shown))


def test_every_request_of_a_flood_is_answered_or_refused_and_counted(
    client: Client, narrow: Server, photos: list[bytes]
) -> None:
    answers = flood(client, photos, 300)
    refused = {answer: count for answer, count in answers.items() if answer.startswith("overloaded: ")}
    assert set(refused) <= {
        f"overloaded: {limit} requests are under way, as many as this server takes at once; ask again later"
        for limit in (BOUND, standing(BOUND))
    }
    assert set(answers) == {"10 found", "written", *refused}
    assert answers["10 found"] + answers["written"] >= BOUND
    count = sum(refused.values())
    assert count > 100
    wait_for(lambda: total(narrow.metrics_url, "tandem_refused_total") == count, 10)
    wait_for(lambda: total(narrow.metrics_url, "tandem_in_flight") == 0, 10)
    wait_for(lambda: total(narrow.metrics_url, "tandem_max_in_flight", model="product_preprocess") == BOUND, 10)
    assert [ask(client, kind, 1_000, photos[0]) for kind in KINDS] == ["10 found"] * 3 + ["written"]


def test_requests_that_are_refused_for_themselves_leave_nothing_behind(client: Client) -> None:
    # Else the gate would be full of them: they would be told that it is, and no more what is wrong.
    for _ in range(3 * BOUND):
        with pytest.raises(BadInput, match="not a picture"):
            client.search(text="red mug", image=b"no picture")
        with pytest.raises(BadInput, match="FILTER"):
            client.search(text="red mug", filter={"of no kind": []})
        with pytest.raises(BadInput, match="title"):
            client.upsert({"id": "1"})


def test_a_full_server_still_gives_the_known_answers(
    store: Path, client: Client, narrow: Server, photos: list[bytes]
) -> None:
    probes, sent = read_probes(find_release(store).probe), 0
    with closing(narrow.connect()) as control, ThreadPoolExecutor(1) as pool:
        flooded = pool.submit(flood, client, photos, 200)
        while not flooded.done():
            for probe in probes:
                try:
                    probe.send(control, 30)
                except NoAnswer as error:
                    pytest.fail(f"{probe.model}: {error}")
                sent += 1
        refused = sum(count for answer, count in flooded.result().items() if answer.startswith("overloaded: "))
    assert sent > 0
    assert refused > 0


def test_calls_that_are_cancelled_give_their_places_back_soon(client: Client, narrow: Server) -> None:
    async def ask_and_leave(number: int) -> None:
        async with AsyncClient(narrow.grpc_url, timeout_s=30, retries=RetryPolicy(tries=1)) as own:
            with contextlib.suppress(QueueFull, TimeoutError):
                await asyncio.wait_for(own.search(text=f"{number} green mug"), 0.005 * (1 + number % 8))

    async def leave_all() -> None:
        await asyncio.gather(*(ask_and_leave(number) for number in range(40)))

    asyncio.run(leave_all())
    time.sleep(1.5)  # what was lost frees itself after a second
    assert [ask(client, "text", number, b"") for number in range(2 * BOUND)] == ["10 found"] * 2 * BOUND
    wait_for(lambda: total(narrow.metrics_url, "tandem_in_flight") == 0, 10)


def narrow_entrance(store: Path, model: str) -> None:
    """Change the release's own config of a model, and have its manifest say that this was made."""
    name = f"releases/0001/models/{model}/config.pbtxt"
    path = store / name
    config = text_format.Parse(path.read_text(), ModelConfig())
    config.parameters["max_in_flight"].string_value = str(BOUND)
    path.write_text(text_format.MessageToString(config))
    manifest = Manifest.load(manifest_path(store, 1))
    replace(manifest, outputs={**manifest.outputs, name: sha256(path)}).save(manifest_path(store, 1))
