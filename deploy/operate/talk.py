"""One connection to the control socket: a request, what it does, and the answer."""

from __future__ import annotations

import socket
from typing import Protocol

from deploy.errors import DeployError, SwitchBusy
from deploy.events import logger
from deploy.operate import wire
from deploy.operate.place import user_of
from deploy.switching.values import By, Status, Switched, Tell

_REQUEST_TIMEOUT_S = 10.0


class Board(Protocol):
    """What can be asked of a running server; each raises a ``DeployError``."""

    def status(self) -> Status:
        """What it answers from."""

    def activate(self, release: int, by: By, tell: Tell) -> Switched:
        """Have the public names answer from another release."""

    def rollback(self, by: By, tell: Tell) -> Switched:
        """Have them answer from the previous one."""

    def canary(self, release: int, share: float, by: By, tell: Tell) -> Switched:
        """Try a release on a share of the traffic."""

    def end_canary(self, by: By, tell: Tell) -> Switched:
        """End the trial."""


class Talk:
    """One connection: its request, and the answer.

    Args:
        connection: The connection.
        board: What carries the request out; None while the server is being started.
    """

    def __init__(self, connection: socket.socket, board: Board | None) -> None:
        self._connection, self._board = connection, board
        self._gone = False

    def hold(self) -> None:
        """Read the request, carry it out, and answer."""
        self._connection.settimeout(_REQUEST_TIMEOUT_S)
        try:
            with self._connection.makefile("rb") as reader:
                line = reader.readline(wire.LONGEST_LINE + 1)
        except OSError:
            return
        if line:
            self._answer(line)

    def _answer(self, line: bytes) -> None:
        try:
            request = wire.read_request(line)
            result = self._carry_out(request)
        except DeployError as error:
            self._send(wire.error_line(error))
            self._say_if_gone(str(error))
        except Exception as error:
            self._send(wire.error_line(error))
            raise
        else:
            self._send(wire.result_line(result))
            if isinstance(result, Switched):
                self._say_if_gone(result.told)

    def _carry_out(self, request: wire.Request) -> Status | Switched:
        board = self._board
        if board is None:
            raise SwitchBusy("the server is being started: try again when it is up")
        if request.command == "status":
            return board.status()
        by = By(signed(user_of(self._connection), request.who), request.why)
        match request.command:
            case "activate":
                return board.activate(request.release, by, self._tell)
            case "rollback":
                return board.rollback(by, self._tell)
            case "canary":
                return board.canary(request.release, request.share, by, self._tell)
            case "end_canary":
                return board.end_canary(by, self._tell)

    def _tell(self, text: str) -> None:
        self._send(wire.tell_line(text))

    def _send(self, line: bytes) -> None:
        """Send a line, unless nobody reads it: a switch is not left half-way because its caller went away."""
        if self._gone:
            return
        try:
            self._connection.sendall(line)
        except OSError:
            self._gone = True

    def _say_if_gone(self, told: str) -> None:
        if self._gone:
            logger.info("though who asked for it has gone away: %s", told)


def signed(user: str, who: str) -> str:
    """Who asked: the user, and what that user calls itself where it is something else.

    >>> signed("shop", "watch")
    'shop: watch'
    >>> signed("shop", "shop")
    'shop'
    """
    return user if who in ("", user) else f"{user}: {who}"
