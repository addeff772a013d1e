from __future__ import annotations

import doctest
from types import ModuleType

import pytest

import deploy.operate.cli
import deploy.operate.talk


@pytest.mark.parametrize("module", [deploy.operate.cli, deploy.operate.talk])
def test_the_examples_of_the_docstrings_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
