"""What goes over the control socket: one line of JSON as the request, lines of JSON back.

Request::

    {"command": "activate", "release": 4, "who": "watch", "why": "the error rate is 12%"}

Answer: any number of ``{"tell": "loading release 4"}``, then one line, ``{"result": {...}}`` or
``{"error": {"kind": "CannotSwitch", "message": "..."}}``, whose kind is a class of ``deploy.errors``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import deploy.errors
from deploy.errors import CannotSwitch, DeployError
from deploy.switching.values import Canary, Status, Switched

Command = Literal["status", "activate", "rollback", "canary", "end_canary"]

LONGEST_LINE = 64 * 1024
LONGEST_WORDS = 2_000
_COMMANDS: tuple[Command, ...] = get_args(Command)
_WITH_RELEASE = ("activate", "canary")


@dataclass(frozen=True)
class Request:
    """One command.

    Args:
        command: What to do.
        release: For ``activate`` and ``canary``: the release.
        share: For ``canary``: the share of callers' keys, 0 to 1.
        who: What the caller calls itself; may be empty.
        why: The caller's reason; may be empty.
    """

    command: Command
    release: int = 0
    share: float = 0.0
    who: str = ""
    why: str = ""

    def line(self) -> bytes:
        """As it is sent."""
        return _line(asdict(self))


def read_request(line: bytes) -> Request:
    """Check a line that somebody sent.

    Raises:
        CannotSwitch: It is no request; says which field is wrong.
    """
    if len(line) > LONGEST_LINE:
        raise CannotSwitch(f"the request is longer than {LONGEST_LINE:,} bytes")
    try:
        told = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CannotSwitch(f"the request is not a line of JSON: {error}") from None
    if not isinstance(told, dict):
        raise CannotSwitch(f"the request must be a JSON object, got {type(told).__name__}")
    command = next((name for name in _COMMANDS if name == told.get("command")), None)
    if command is None:
        raise CannotSwitch(f"`command` must be one of {', '.join(_COMMANDS)}, got {_short(told.get('command'))}")
    release = _release(told.get("release")) if command in _WITH_RELEASE else 0
    share = _share(told.get("share")) if command == "canary" else 0.0
    return Request(command, release, share, _words(told, "who"), _words(told, "why"))


def tell_line(text: str) -> bytes:
    """A line that tells what is being done."""
    return _line({"tell": text})


def result_line(result: Status | Switched) -> bytes:
    """The last line, when all went well."""
    return _line({"result": asdict(result)})


def error_line(error: Exception) -> bytes:
    """The last line, when something went wrong."""
    return _line({"error": {"kind": _kind(error).__name__, "message": str(error) or repr(error)}})


def read_error(told: Mapping[str, Any]) -> DeployError:
    """The error that the server raised, or its nearest kind that this version knows."""
    kind = getattr(deploy.errors, str(told.get("kind")), None)
    known = isinstance(kind, type) and issubclass(kind, DeployError) and _takes_a_message(kind)
    return (kind if known else DeployError)(str(told.get("message")))  # type: ignore[misc]


def read_status(told: Mapping[str, Any]) -> Status:
    """A status from the ``result`` of an answer."""
    canary = told["canary"]
    return Status(**{**told, "canary": canary and Canary(**canary), "loaded": tuple(told["loaded"])})


def read_switched(told: Mapping[str, Any]) -> Switched:
    """What was switched, from the ``result`` of an answer."""
    return Switched(**told)


def _kind(error: Exception) -> type[BaseException]:
    """The error's class, or the nearest above it that is made of a message alone."""
    kinds = (kind for kind in type(error).__mro__ if issubclass(kind, DeployError) and _takes_a_message(kind))
    return next(kinds, DeployError)


def _takes_a_message(kind: type[DeployError]) -> bool:
    own = next(base for base in kind.__mro__ if "__init__" in vars(base))
    return not issubclass(own, DeployError)


def _release(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise CannotSwitch(f"`release` must be a whole number, at least 1, got {_short(value)}")
    return value


def _share(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise CannotSwitch(f"`share` must be a number from 0 to 1, got {_short(value)}")
    return float(value)


def _words(told: Mapping[str, object], field: str) -> str:
    """Free text that a log or a terminal will show: one line of it, of printable characters."""
    value = told.get(field, "")
    if not isinstance(value, str) or len(value) > LONGEST_WORDS or not value.isprintable():
        allowed = f"printable text in one line, at most {LONGEST_WORDS:,} characters"
        raise CannotSwitch(f"`{field}` must be {allowed}, got {_short(value)}")
    return value


def _short(value: object) -> str:
    return ascii(value)[:80]


def _line(content: Mapping[str, object]) -> bytes:
    return json.dumps(content).encode() + b"\n"
