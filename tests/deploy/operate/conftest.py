from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.operate import Operator
from deploy.operate.service import ControlSocket
from tests.deploy.operate.standin import StandIn


@pytest.fixture
def standin(place: Path) -> Iterator[StandIn]:
    """What carries out the commands at the socket of ``place``."""
    board = StandIn()
    with contextlib.closing(ControlSocket(place)) as control:
        control.start(board)
        yield board


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A store that lies deeper than a socket's address has room for."""
    return tmp_path / ("deep" * 30) / "var"


@pytest.fixture
def operator(place: Path, standin: StandIn) -> Operator:
    return Operator(place)
