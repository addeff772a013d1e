"""What ends a wait from another thread."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator

import pytest

from catalogue.database.nudge import Nudge

MANY = 1_100


@pytest.fixture
def nudge() -> Iterator[Nudge]:
    made = Nudge()
    yield made
    made.close()


@pytest.fixture
def many_open() -> Iterator[None]:
    """So many descriptors are taken that the next ones are above 1,023."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * MANY:
        pytest.skip("the limit of descriptors cannot be raised")
    if soft != resource.RLIM_INFINITY and soft < 2 * MANY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2 * MANY, hard))
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(MANY)]
    yield
    for descriptor in taken:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_nudge_ends_one_wait(nudge: Nudge) -> None:
    assert not nudge.wait(0)
    nudge.give()
    nudge.give()
    assert nudge.wait(60)
    assert not nudge.wait(0)


def test_another_descriptor_ends_a_wait_and_is_no_nudge(nudge: Nudge) -> None:
    reader, writer = os.pipe()
    os.write(writer, b"!")
    assert not nudge.wait(60, reader)
    nudge.give()
    assert nudge.wait(60, reader)
    os.close(reader)
    os.close(writer)


@pytest.mark.usefixtures("many_open")
def test_descriptors_above_1023_are_waited_for() -> None:
    nudge = Nudge()
    reader, writer = os.pipe()
    assert reader >= 1_024
    os.write(writer, b"!")
    assert not nudge.wait(60, reader)
    nudge.give()
    assert nudge.wait(60, reader)
    for descriptor in (reader, writer):
        os.close(descriptor)
    nudge.close()
