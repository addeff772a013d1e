"""Asks the running server over a store to switch."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from deploy.errors import DeployError, ServerAway
from deploy.operate import wire
from deploy.operate.place import connect, user_name
from deploy.switching.values import By, Status, Switched, Tell, silent

T = TypeVar("T")

# Loading a release of millions of products takes minutes, through which the server tells nothing.
PATIENCE_S = 900.0
_STATUS_S = 10.0


class Operator:
    """The switches of the server that runs over a store, from another process.

    Each call is a connection of its own, and raises what the switch raised. Threads may share an operator.

    Args:
        store: The store.
        patience_s: How long a switch may stay silent before the server is taken for dead, in seconds.
    """

    def __init__(self, store: Path, patience_s: float = PATIENCE_S) -> None:
        self._store, self._patience_s = store, patience_s

    def status(self) -> Status:
        """What the server answers from.

        Raises:
            ServerAway: No server runs over the store.
        """
        return self._ask(wire.Request("status"), silent, wire.read_status, _STATUS_S)

    def activate(self, release: int, by: By, tell: Tell = silent) -> Switched:
        """Have the public names answer from another release.

        Args:
            release: Its number.
            by: Who wants it; the server puts this process's user before it.
            tell: Told what is being done.

        Raises:
            ServerAway: No server runs over the store, or it ended meanwhile.
            CannotSwitch: Nothing was touched; says what to do instead.
            SwitchFailed: What answered before answers again.
        """
        return self._switch(wire.Request("activate", release, who=by.who, why=by.why), tell)

    def rollback(self, by: By, tell: Tell = silent) -> Switched:
        """Have the public names answer from the previous release; as ``activate``."""
        return self._switch(wire.Request("rollback", who=by.who, why=by.why), tell)

    def canary(self, release: int, share: float, by: By, tell: Tell = silent) -> Switched:
        """Try a release on a share of the traffic, 0 to 1; otherwise as ``activate``."""
        return self._switch(wire.Request("canary", release, share, by.who, by.why), tell)

    def end_canary(self, by: By, tell: Tell = silent) -> Switched:
        """End the trial; otherwise as ``activate``."""
        return self._switch(wire.Request("end_canary", who=by.who, why=by.why), tell)

    def _switch(self, request: wire.Request, tell: Tell) -> Switched:
        return self._ask(request, tell, wire.read_switched, self._patience_s)

    def _ask(self, request: wire.Request, tell: Tell, read: Callable[[Mapping[str, Any]], T], wait_s: float) -> T:
        with connect(self._store) as connection:
            for answer in self._answers(connection, request, wait_s):
                if "tell" in answer:
                    tell(str(answer["tell"]))
                    continue
                if "error" in answer:
                    raise wire.read_error(answer["error"])
                try:
                    return read(answer["result"])
                except (KeyError, TypeError, ValueError) as error:
                    raise self._not_understood(error) from None
        raise ServerAway(f"the server over {self._store} went away before it was done: {_SEE}")

    def _answers(self, connection: socket.socket, request: wire.Request, wait_s: float) -> Iterator[Mapping[str, Any]]:
        connection.settimeout(wait_s)
        try:
            connection.sendall(request.line())
            with connection.makefile("rb") as lines:
                for line in lines:
                    answer = json.loads(line)
                    if not isinstance(answer, dict):
                        raise self._not_understood(line)
                    yield answer
        except TimeoutError:
            raise DeployError(f"the server over {self._store} said nothing for {wait_s:g} s: {_SEE}") from None
        except OSError as error:
            raise ServerAway(f"the server over {self._store} went away ({error}): {_SEE}") from None
        except ValueError as error:
            raise self._not_understood(error) from None

    def _not_understood(self, what: object) -> DeployError:
        return DeployError(
            f"the server over {self._store} is of another version, its answer is strange ({what}): {_SEE}"
        )


_SEE = "`python -m deploy status` tells what is live, `python -m deploy audit` what was done"


def this_user() -> str:
    """Name of the user that this process runs as."""
    return user_name(os.geteuid())
