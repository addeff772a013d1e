"""``python -m deploy feed``: what it says, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from ensemble import settings
from ensemble.index import Index
from ensemble.index.milvus import MilvusIndex, MilvusOptions
from tests.deploy.conftest import wait_for
from tests.deploy.keep.shop import SPACE, Shop
from tests.deploy.shop import make_store


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as made:
        made.write(5)
        make_store(tmp_path)
        retrieve = tmp_path / "models" / "retrieve" / "1"
        made.rebuilt().save(retrieve / "index")
        settings.write(retrieve / "settings.json", space=SPACE)
        yield made


def run(shop: Shop, *more: str) -> tuple[int, str]:
    command = ["feed", "--milvus", str(shop.folder / "milvus.db"), "--store", str(shop.folder), *more]
    result = CliRunner().invoke(app, command)
    return result.exit_code, " ".join(result.output.split())


def test_a_milvus_is_filled_and_left_by_a_snapshot(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    shop.write(2, start=10)
    code, _ = run(shop, "--save", str(shop.folder / "left"))
    assert code == 0
    left = Index.open(shop.folder / "left", space_id=SPACE.space_id)
    assert (left.seq, left.live, left.catalogue_id) == (shop.database.head(), 7, shop.database.catalogue_id)
    told = [record.getMessage() for record in caplog.records if record.name == "deploy"]
    assert told[0] == f"feeding {shop.folder / 'milvus.db'} with release 1"
    assert told[1].startswith("filled at 5: 5 products in ")
    assert told[2] == f"snapshot of {shop.folder / 'left'} at 7"


def test_the_collection_is_the_one_that_servers_search(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_MILVUS_COLLECTION", "shop")
    code, _ = run(shop, "--once")
    assert code == 0
    options = MilvusOptions.asked({"TANDEM_MILVUS": str(shop.folder / "milvus.db"), "TANDEM_MILVUS_COLLECTION": "shop"})
    with closing(MilvusIndex.open(options, SPACE.space_id, SPACE.row_dim)) as index:
        assert index.live == 5


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--index", "CAGRA"), "error: `index_type` must be one of FLAT,"),
        (("--index-params", "[]"), "error: --index-params: an object such as"),
        (("--milvus", "localhost:19530"), "did you mean http://localhost:19530?"),
        (("--timeout", "nan"), "`timeout_s` must be above 0 and finite, got nan"),
        (("--catalogue", ""), "has no catalogue of its own: name one with --catalogue"),
        (("--milvus", "http://user:secret@127.0.0.1:1"), "error: http://127.0.0.1:1: Milvus does not answer"),
    ],
)
def test_what_cannot_be_done_is_said(shop: Shop, more: tuple[str, ...], message: str) -> None:
    code, said = run(shop, "--timeout", "0.2", *more)
    assert code == 1
    assert message in said
    assert "secret" not in said


def test_a_missing_package_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymilvus", None)
    code, said = run(shop)
    assert code == 1
    assert "the package pymilvus is not installed: install it with `pip install 'tandem[milvus,index]'`" in said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_the_step_under_way(shop: Shop, number: int) -> None:
    command = [sys.executable, "-m", "deploy", "feed", "--milvus", str(shop.folder / "milvus.db")]
    said = shop.folder / "said"
    with said.open("w") as file:
        process = subprocess.Popen([*command, "--store", str(shop.folder)], stdout=file, stderr=file)
    wait_for(lambda: "filled at" in said.read_text(), 60.0)
    process.send_signal(number)
    assert process.wait(30.0) == 0
    assert "ends after this step" in said.read_text()
