from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ensemble.index import Still
from ensemble.served_release import SWITCH_S, ServedRelease, take_turns
from ensemble.variables import CATALOGUE, ENGINE, SNAPSHOTS
from tests import tiny
from tests.ensemble.journal_twin import TwinCatalogue, index_of

ARGS = {"model_repository": "/models/retrieve", "model_version": "12"}


class Logger:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def log_warn(self, line: str) -> None:
        self.lines.append(("warn", line))

    def log_info(self, line: str) -> None:
        self.lines.append(("info", line))


@pytest.fixture
def interval() -> Iterator[None]:
    """Puts back what is of the whole process."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def test_without_a_word_of_the_environment_it_stays_as_it_was_released() -> None:
    release = ServedRelease.of(ARGS, {})
    folder = Path("/models/retrieve/12")
    assert release == ServedRelease(12, folder, "", folder / "snapshots" / "0012", in_milvus=False)


def test_the_environment_says_what_is_followed_and_searched() -> None:
    environment = {CATALOGUE: "sqlite:////shop.db", SNAPSHOTS: "/var/snapshots", ENGINE: "milvus"}
    release = ServedRelease.of(ARGS, environment)
    assert (release.catalogue, release.in_milvus) == ("sqlite:////shop.db", True)
    assert release.snapshots == Path("/var/snapshots/0012")
    assert not ServedRelease.of(ARGS, environment | {ENGINE: "gpu"}).in_milvus


def test_what_is_wrong_with_an_index_is_logged_before_what_it_is() -> None:
    release, index = ServedRelease.of(ARGS, {}), index_of(TwinCatalogue(tiny.SPACE))
    well, badly = Logger(), Logger()
    release.log(well, Still(index), "is searched")
    release.log(badly, Still(index, "the catalogue is away"), "is searched")
    assert well.lines == [("info", "release 12 is searched")]
    assert badly.lines == [("warn", "release 12: the catalogue is away"), *well.lines]


@pytest.mark.usefixtures("interval")
def test_requests_need_not_wait_long_for_a_follower() -> None:
    take_turns()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
