"""The catalogue goes away, its disk is full, the models that write are killed: nothing acknowledged is lost."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from catalogue.database import Database
from clients import NO_RETRIES, Client, Unavailable
from deploy.stubs import stubs_of
from tests.end_to_end.living.conftest import Served
from tests.end_to_end.living.products import PHOTO, only, product
from tests.patient import PATIENT

NO_LIMIT = resource.RLIM_INFINITY


def test_searches_go_on_while_the_catalogue_is_away(served: Served) -> None:
    made = product()
    with Client(served.server.grpc_url, timeout_s=60, retries=NO_RETRIES) as client:
        client.upsert(made)
        with served.away():
            for write in (
                lambda: client.upsert(made),
                lambda: client.patch(made["id"], price=1),
                lambda: client.delete(made["id"]),
            ):
                with pytest.raises(Unavailable, match=r"^TANDEM_CATALOGUE: (sqlite|postgresql)"):
                    write()
            assert len(client.search(text="red mug").results) == 10
    with Client(served.server.grpc_url, timeout_s=60, retries=PATIENT) as client:
        deleted = client.delete(made["id"])
        assert deleted.found
        assert client.search(text="ball", filter=only(made["id"]), min_seq=deleted.seq).results == ()


@contextmanager
def no_room(pid: int) -> Iterator[None]:
    """Files that a process writes to cannot grow, as on a disk that is full."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, NO_LIMIT))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (NO_LIMIT, NO_LIMIT))


def test_a_full_disk_is_told_and_nothing_is_lost(served: Served) -> None:
    server, url = served.server, served.url
    if served.postgres is not None:
        pytest.skip("its files are written by a process that is not the server's")
    (stub,) = (stub for stub in stubs_of(server.pid) if stub.model == "commit_product")
    first, second = product(), product()
    with Client(server.grpc_url, retries=NO_RETRIES) as client:
        client.upsert(first, PHOTO)
        with no_room(stub.pid):
            for _ in range(2):
                with pytest.raises(Unavailable, match=r"^TANDEM_CATALOGUE: sqlite:///.*nothing was written"):
                    client.upsert(second, PHOTO)
            assert len(client.search(text="red mug").results) == 10
        assert not client.delete(second["id"]).found
        written = client.upsert(second, PHOTO)
        (found,) = client.search(image=PHOTO, filter=only(second["id"]), min_seq=written.seq).results
        assert found.id == second["id"]
        with Database.open(url) as database:
            assert len(database.stored([first["id"], second["id"]])) == 2
        client.delete_many([first["id"], second["id"]])


def test_models_that_write_come_back_when_they_are_killed(served: Served) -> None:
    server, url = served.server, served.url
    made, told = product(), len(server.events)
    with Client(server.grpc_url, timeout_s=60, retries=PATIENT) as client:
        client.upsert(made)
        for model in ("commit_product", "commit_patch", "commit_deletion"):
            (stub,) = (stub for stub in stubs_of(server.pid) if stub.model == model)
            os.kill(stub.pid, signal.SIGKILL)
        assert client.upsert(made).id == made["id"]
        patched = client.patch(made["id"], price=4)
        (found,) = client.search(text="ball", filter=only(made["id"]), min_seq=patched.seq).results
        assert found.price == 4
        client.delete(made["id"])
        with Database.open(url) as database:
            assert database.stored([made["id"]]) == []
    killed, ends = {"commit_product", "commit_patch", "commit_deletion"}, time.monotonic() + 30
    while (died := {event.model for event in server.events[told:] if event.kind == "stub_died"}) < killed:
        assert time.monotonic() < ends, died  # the server is looked at now and then only
        time.sleep(0.05)
    assert died == killed
