from __future__ import annotations

from pathlib import Path

import pytest

from deploy.diagnose import Progress, find_culprits, named_models
from deploy.errors import NoAnswer, ProbeFailed, RequestFailed, WrongAnswer
from deploy.stubs import Key, StubTable, parse
from ensemble.errors import Overloaded

STEPS = ["text_preprocess", "text_tower", "retrieve"]
STUB = "triton_python_backend_stub"


class Table(StubTable):
    """A table over no process, with the faults that it is given."""

    def __init__(self, faults: dict[Key, str] | None = None) -> None:
        super().__init__(0, set)
        self._faults = faults or {}

    def look(self) -> dict[Key, str]:
        return self._faults

    def models(self) -> set[str]:
        return {*STEPS, "vision_tower"}


def timeout() -> NoAnswer:
    return NoAnswer("search_text", RequestFailed("DEADLINE_EXCEEDED", "Deadline Exceeded"))


def stalled(*models: str) -> Progress:
    now = [0.0]
    progress = Progress(lambda: now[0])
    progress.update(dict.fromkeys(STEPS, 1))
    now[0] = 20.0
    progress.update({step: 1 if step in models else 2 for step in STEPS})
    return progress


def test_a_visible_fault_comes_first() -> None:
    table = Table({("retrieve", 1, "retrieve_0_0"): "died"})
    assert find_culprits(timeout(), STEPS, table, stalled("text_tower"), 10.0) == {"retrieve"}


def test_the_server_may_name_the_model() -> None:
    words = "in ensemble 'search_text', Stub process 'text_tower_0_1' is not healthy."
    failure = NoAnswer("search_text", RequestFailed("INTERNAL", words))
    assert named_models(failure) == {"text_tower"}
    assert find_culprits(failure, STEPS, Table(), stalled(), 10.0) == {"text_tower"}


def test_without_an_answer_the_first_model_that_stands_still_is_at_fault() -> None:
    assert find_culprits(timeout(), STEPS, Table(), stalled("retrieve"), 10.0) == {"retrieve"}
    assert find_culprits(timeout(), STEPS, Table(), stalled("text_tower", "retrieve"), 10.0) == {"text_tower"}
    assert find_culprits(timeout(), STEPS, Table(), stalled("retrieve"), 30.0) == set()


@pytest.mark.parametrize(
    "words", ["[request id: x] Exceeds maximum queue size", "Request timeout expired", str(Overloaded(16))]
)
def test_a_busy_server_is_not_at_fault(words: str) -> None:
    failure = NoAnswer("search_text", RequestFailed("UNAVAILABLE", words))
    assert failure.busy
    assert find_culprits(failure, STEPS, Table(), stalled(), 10.0) == set()
    assert find_culprits(failure, STEPS, Table(), stalled("text_tower"), 10.0) == {"text_tower"}


def test_a_wrong_answer_may_come_from_any_step() -> None:
    failure: ProbeFailed = WrongAnswer("search_text answers nonsense")
    assert find_culprits(failure, STEPS, Table(), stalled(), 10.0) == set(STEPS)


def test_a_stub_is_known_by_its_command_line() -> None:
    arguments = [
        STUB,
        "/var/models/text_tower/7/model.py",
        "region",
        "1",
        "1",
        "99",
        "/b",
        "336",
        "text_tower_0_1",
        "DEFAULT",
    ]
    stub = parse(5, arguments)
    assert stub is not None
    assert stub.key == ("text_tower", 7, "text_tower_0_1")
    assert stub.script == Path("/var/models/text_tower/7/model.py")
    assert parse(5, ["python", "-c", "pass"]) is None
