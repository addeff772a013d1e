"""From what Triton answers (an HTTP or gRPC status and a text) to the client's errors. Pure.

Triton 2.51 maps its codes to HTTP as: INTERNAL 500, NOT_FOUND 404, UNAVAILABLE 503, UNSUPPORTED 501, all others 400.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from clients.errors import (
    BadInput,
    Behind,
    NoServer,
    NotServed,
    NotTrusted,
    QueueFull,
    ServerFault,
    TandemError,
    Timeout,
    Unavailable,
)

ERRORS: Mapping[str, type[TandemError]] = MappingProxyType({
    "INVALID_ARGUMENT": BadInput,
    "OUT_OF_RANGE": BadInput,
    "FAILED_PRECONDITION": BadInput,
    "ALREADY_EXISTS": BadInput,
    "RESOURCE_EXHAUSTED": BadInput,  # gRPC: a message above the size limit
    "NOT_FOUND": NotServed,
    "UNAVAILABLE": Unavailable,
    "CANCELLED": Unavailable,  # only a server that stops cancels a call of this client
    "ABORTED": Unavailable,
    "DEADLINE_EXCEEDED": Timeout,
    "400": BadInput,
    "413": BadInput,
    "404": NotServed,
    "499": Unavailable,
    "502": Unavailable,
    "503": Unavailable,
    "504": Timeout,
})  # fmt: skip

# The status alone does not tell these apart, or tells them wrongly. The first match wins.
TEXTS: tuple[tuple[re.Pattern[str], type[TandemError]], ...] = (
    (re.compile(r"^overloaded: |exceeds maximum queue size", re.IGNORECASE), QueueFull),
    (re.compile(r"^MIN_SEQ\b"), Behind),
    (re.compile(r"certificate_verify_failed|hostname verification|wrong_version_number", re.IGNORECASE), NotTrusted),
    # What only who runs the server can mend: to ask again does not help
    (re.compile(r"^TANDEM_CATALOGUE (is not set|cannot be used)\b"), ServerFault),
    # The server's own trouble with its database, whose words are those of a client that finds no server
    (re.compile(r"^TANDEM_CATALOGUE\b"), Unavailable),
    # A killed Python stub answers INTERNAL until the model is reloaded
    (re.compile(r"stub process .*is not healthy", re.IGNORECASE), Unavailable),
    # What a request that was inside the stub when it died may end with, as if it were the caller's fault
    (re.compile(r"^out of bounds index \d+$", re.IGNORECASE), Unavailable),
    # Between the unload and the load of a version, Triton answers NOT_FOUND or INVALID_ARGUMENT
    (re.compile(r"has no available versions|is not at ready state", re.IGNORECASE), Unavailable),
    (re.compile(r"failed to connect|connection refused|DNS resolution failed", re.IGNORECASE), NoServer),
)

# How an ensemble puts that a step never got its input, where enough other inputs were given to pass its first check
DEADLOCK = "unexpected deadlock"

_PREFIX = re.compile(r"^\s*(?:\[request id: [^\]]*\]|in ensemble '[^']*',)\s*")


def clean(message: str) -> str:
    """A server message without the prefixes that tell of Triton's inner paths.

    >>> clean("in ensemble 'search_text', TEXT: empty; give at least one character")
    'TEXT: empty; give at least one character'
    """
    while (shorter := _PREFIX.sub("", message, count=1)) != message:
        message = shorter
    return message.strip()


def to_error(status: str | None, message: str | None) -> TandemError:
    """The error for one failed answer.

    Args:
        status: HTTP status code (``"400"``) or gRPC code (``"StatusCode.INVALID_ARGUMENT"``).
        message: The server's text.
    """
    text = clean(message or "") or f"the server gave no reason (status {status})"
    if text.startswith(DEADLOCK):
        return BadInput(f"a required input of the model is missing ({text})")
    by_status = ERRORS.get((status or "").removeprefix("StatusCode."), ServerFault)
    if by_status is BadInput and not _names_a_state(text):
        return BadInput(text)
    return next((kind for pattern, kind in TEXTS if pattern.search(text)), by_status)(text)


def _names_a_state(text: str) -> bool:
    """Whether a text that came as bad input tells of the server's state. A caller's own text may be quoted in it."""
    return text.startswith(("Request for unknown model", "out of bounds index"))
