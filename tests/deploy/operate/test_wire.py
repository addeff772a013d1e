from __future__ import annotations

import json

import pytest

import deploy.errors
from deploy.errors import CannotSwitch, DeployError, ModelFailed, RequestFailed, ServerFailed, SwitchFailed
from deploy.operate import wire
from deploy.operate.wire import Request
from deploy.switching.values import Canary, Status, Switched

REQUESTS = [
    Request("status"),
    Request("activate", 4, who="watch", why="the gate ist grün"),
    Request("rollback"),
    Request("canary", 4, 0.125),
    Request("end_canary"),
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_a_request_comes_out_as_it_went_in(request_: Request) -> None:
    line = request_.line()
    assert line.count(b"\n") == 1
    assert wire.read_request(line) == request_


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "not a line of JSON"),
        (b"\xff\xfe\n", "not a line of JSON"),
        (b"[" * 60_000, "not a line of JSON"),
        (b"[1]", "must be a JSON object, got list"),
        (b"{}", "`command` must be one of status, activate, rollback, canary, end_canary, got None"),
        (b'{"command": ["status"]}', "`command` must be one of"),
        (b'{"command": "shutdown"}', "got 'shutdown'"),
        (b'{"command": "activate"}', "`release` must be a whole number, at least 1, got None"),
        (b'{"command": "activate", "release": 0}', "got 0"),
        (b'{"command": "activate", "release": true}', "got True"),
        (b'{"command": "activate", "release": "4"}', "got '4'"),
        (b'{"command": "canary", "release": 4}', "`share` must be a number from 0 to 1, got None"),
        (b'{"command": "canary", "release": 4, "share": 1.5}', "got 1.5"),
        (b'{"command": "canary", "release": 4, "share": NaN}', "got nan"),
        (b'{"command": "rollback", "who": 7}', "`who` must be printable text in one line"),
        (b'{"command": "rollback", "why": "a\\nb"}', "`why` must be printable text in one line"),
        (b'{"command": "rollback", "why": "\\u001b[2J"}', "`why` must be printable text"),
        (b'{"command": "rollback", "why": "' + b"a" * 2_001 + b'"}', "at most 2,000 characters"),
        (b" " * 70_000, "longer than 65,536 bytes"),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(line: bytes, problem: str) -> None:
    with pytest.raises(CannotSwitch) as caught:
        wire.read_request(line)
    assert problem in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("canary", [None, Canary(4, 0.5)])
def test_results_come_out_as_they_went_in(canary: Canary | None) -> None:
    status = Status(3, None, canary, (3, 4), "now", None)
    assert wire.read_status(json.loads(wire.result_line(status))["result"]) == status
    switched = Switched("rollback", 3, 2, 0.5, "back on release 2")
    assert wire.read_switched(json.loads(wire.result_line(switched))["result"]) == switched


def back(error: Exception) -> DeployError:
    return wire.read_error(json.loads(wire.error_line(error))["error"])


KINDS = [kind for kind in vars(deploy.errors).values() if isinstance(kind, type) and issubclass(kind, DeployError)]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "__init__" not in vars(kind)])
def test_every_error_of_one_message_comes_out_as_the_same_class(kind: type[DeployError]) -> None:
    error = back(kind("it is so"))
    assert (type(error), str(error)) == (kind, "it is so")


def test_errors_of_several_parts_come_out_as_the_next_kind_with_their_words() -> None:
    error = back(ModelFailed({"retrieve": "no memory"}))
    assert type(error) is ServerFailed
    assert "retrieve: no memory" in str(error)
    assert type(back(RequestFailed("UNAVAILABLE", "gone"))) is DeployError
    assert str(back(RuntimeError("a bug"))) == "a bug"


@pytest.mark.parametrize("kind", ["Newer", "Mapping", "annotations", None, "ModelFailed"])
def test_a_kind_that_is_not_known_here_is_told_all_the_same(kind: object) -> None:
    error = wire.read_error({"kind": kind, "message": "words"})
    assert (type(error), str(error)) == (DeployError, "words")


def test_busy_is_a_switch_that_cannot_be_made() -> None:
    assert isinstance(back(deploy.errors.SwitchBusy("x")), CannotSwitch)
    assert not isinstance(back(SwitchFailed("x")), CannotSwitch)
