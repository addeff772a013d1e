"""Which searches a release on trial answers: a share of the callers' keys, told by a stable hash. Pure.

While a release is on trial, the server has ensembles of its own for it, ``search_text_canary`` and so on. Their config
tells the share and the release.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol, TypeVar

from clients.errors import BadSetting, NotServed, TandemError, Unavailable
from clients.tensors import Call

T = TypeVar("T")

SUFFIX = "_canary"
TOLD_BY = "search_text" + SUFFIX
"""The model whose config tells the share."""

SHARE, NUMBER = "canary_share", "canary_release"
"""The parameters of its config: the share, and the number of the release."""

# What Triton says of a model that it had and has no more; it is no error that passes by waiting.
_UNLOADED = "has no available versions"


class Keyed(Protocol):
    """What may be answered by a release on trial: a search, or what asks for recommendations."""

    @property
    def key(self) -> str | None:
        """Whose it is; without one, or with an empty one, the public release answers."""


@dataclass(frozen=True)
class Share:
    """How much of the traffic a release on trial gets.

    Args:
        share: The share of the keys, 0 to 1.
        release: Its number. With another release other keys are tried, so that it is not always the same users; None
            for any.

    Raises:
        BadSetting: ``share`` is out of its range.
    """

    share: float
    release: int | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.share) and 0.0 <= self.share <= 1.0):
            raise BadSetting(f"share: {self.share}; allowed: 0 to 1, as in 0.1 for one key in ten")

    def takes(self, key: str | None) -> bool:
        """Whether searches with this key are answered by the release on trial; never without a key."""
        return bool(key) and place_of(key or "", self.release) < self.share


Canary = Share | Literal["auto", "only"] | None
"""What a client does about a release on trial: ``"auto"`` asks the server which share it gets, a `Share` sets it,
``"only"`` sends every search to it, and None none."""


def check_canary(canary: Canary) -> Canary:
    """The setting, if it is one.

    Raises:
        BadSetting: It is not.
    """
    if not (canary is None or isinstance(canary, Share) or canary in ("auto", "only")):
        raise BadSetting(f"canary: {canary!r}; allowed: 'auto', 'only', a Share, or None")
    return canary


def place_of(key: str, release: int | None) -> float:
    """Where a key lies, evenly in [0, 1): the first 8 bytes of SHA-256 over release and key, over 2**64.

    The same key lies at the same place for every client, in any language and on any machine.

    >>> round(place_of("user 7", 4), 6), round(place_of("user 7", 5), 6)
    (0.441635, 0.111793)
    """
    digest = hashlib.sha256(f"{'' if release is None else release}:{key}".encode("utf-8", "surrogatepass")).digest()
    return math.ldexp(int.from_bytes(digest[:8], "big") >> 11, -53)  # the 53 bits that a float holds: never 1.0


def read_share(parameters: Mapping[str, str]) -> Share | None:
    """The share from the parameters of `TOLD_BY`; None where they do not tell of a trial with traffic."""
    try:
        return Share(float(parameters[SHARE]), int(parameters[NUMBER]))
    except (KeyError, ValueError, BadSetting):
        return None


def on_trial(queries: Sequence[Keyed], share: Share | None) -> list[int]:
    """Rows of the queries that the release on trial answers, ascending."""
    if share is None:
        return []
    return [row for row, query in enumerate(queries) if share.takes(query.key)]


def to_canary(call: Call[T]) -> Call[T]:
    """The same request to the release on trial."""
    return replace(call, model=call.model + SUFFIX)


def withdrawn(error: TandemError) -> bool:
    """Whether an answer says that the release on trial is not there, or not well: the public one answers then.

    A full queue is none of it: that is the server's load, and asking elsewhere would only move it.
    """
    return isinstance(error, NotServed) or type(error) is Unavailable


def unloaded(error: TandemError) -> bool:
    """Whether an answer says that no release is on trial."""
    return isinstance(error, NotServed) or _UNLOADED in str(error)


def never(_error: TandemError) -> bool:
    """What an error is to somebody who has nowhere else to ask."""
    return False
