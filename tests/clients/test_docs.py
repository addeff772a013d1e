from __future__ import annotations

import doctest
from types import ModuleType

import pytest

import clients.canary
import clients.cli_inputs
import clients.cli_writes
import clients.sheet
import clients.spread
import clients.status

MODULES = (clients.canary, clients.cli_inputs, clients.cli_writes, clients.sheet, clients.spread, clients.status)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_docstrings_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


def test_what_is_exported_is_there() -> None:
    assert all(hasattr(clients, name) for name in clients.__all__)
    assert "Client" in clients.__all__
