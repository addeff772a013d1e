"""Connections to PostgreSQL that do not wait for ever for a server that has stopped to answer.

The kernel of such a server goes on acknowledging what it is sent, so that no setting of TCP notices.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

from psycopg import Connection, OperationalError


def bounded(answer_s: float) -> type[Connection[Any]]:
    """Connections that are closed, with an error, when one statement is not answered in time.

    Args:
        answer_s: For each statement, in seconds.
    """

    class Bounded(Connection[Any]):
        def wait(self, gen: Any, *args: Any, **options: Any) -> Any:
            return super().wait(_watched(self, gen, answer_s), *args, **options)

    return Bounded


def _watched(connection: Connection[Any], gen: Any, answer_s: float) -> Generator[Any, Any, Any]:
    """A statement in progress; it is resumed at least every tenth of a second, whether anything came or not."""
    until = time.monotonic() + answer_s
    try:
        asked = next(gen)
        while True:
            ready = yield asked
            if not ready and time.monotonic() > until:
                connection.close()
                raise OperationalError(f"no answer within {answer_s:g} s")
            asked = gen.send(ready)
    except StopIteration as end:
        return end.value
