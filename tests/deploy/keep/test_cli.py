"""``python -m deploy keep`` by hand: what it says, and how it ends."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from deploy.keep import cli
from deploy.keep.keeper import Keeper
from tests.deploy.conftest import wait_for
from tests.deploy.keep.shop import OPTIONS, Shop

PATIENCE_S = 20.0

# In place of the real steps: the first ends with the writing of a file, like one that takes very long.
SLOW = """
import sys, time
from pathlib import Path
from deploy.keep import keeper
from deploy.keep.cli import keep
store = Path(sys.argv[1])

class Slow:
    def __init__(self, *_, **__):
        (store / "begun").touch()

    def step(self):
        while not (store / "let go").exists():
            time.sleep(0.01)
        (store / "done").touch()
        return True

    def close(self):
        pass

keeper.Snapshotting = Slow
keep(store=store, once=sys.argv[2] == "once")
"""

Slow = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def slow(shop: Shop) -> Iterator[Slow]:
    started: list[subprocess.Popen[str]] = []

    def start(how: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SLOW, str(shop.folder), how]
        with (shop.folder / "said").open("w") as said:
            started.append(subprocess.Popen(command, stdout=said, stderr=said, text=True))
        wait_for((shop.folder / "begun").exists)
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", ["once", "always"])
def test_the_first_ctrl_c_lets_the_step_finish(shop: Shop, slow: Slow, how: str) -> None:
    process = slow(how)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "Ctrl-C again ends it at once" in (shop.folder / "said").read_text(), PATIENCE_S)
    assert process.poll() is None
    (shop.folder / "let go").touch()
    assert process.wait(PATIENCE_S) == 0
    assert (shop.folder / "done").exists()


@pytest.mark.parametrize("how", ["once", "always"])
def test_the_second_ctrl_c_ends_it_at_once(shop: Shop, slow: Slow, how: str) -> None:
    process = slow(how)
    process.send_signal(signal.SIGINT)
    wait_for(lambda: "Ctrl-C again ends it at once" in (shop.folder / "said").read_text(), PATIENCE_S)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130
    assert not (shop.folder / "done").exists()


def test_once_says_what_was_done_and_what_was_not(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Keeper, "_served_space", lambda _: shop.space)
    monkeypatch.setattr(cli, "stop_on_signals", lambda _: None)
    caplog.set_level(logging.INFO, "deploy")
    shop.write(9)
    cli._run(shop.folder, shop.living, None, OPTIONS, once=True)
    away, nothing, none = caplog.messages
    assert away.startswith("nothing is embedded: no server over")
    assert (nothing, none) == (
        "nothing was embedded",
        "no snapshot was written; one is due 10 changes after the newest",
    )
    shop.write(1, start=9)
    caplog.clear()
    cli._run(shop.folder, shop.living, None, OPTIONS, once=True)
    assert caplog.messages[1:] == [
        "snapshot of release 1 at 10: 10 products, 0 dead slots left out",
        "nothing was embedded",
    ]
