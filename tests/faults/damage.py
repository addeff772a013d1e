"""What a fault did to callers, from the requests around it; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.faults.stream import Asked


@dataclass(frozen=True)
class Damage:
    """What callers saw from the moment of a fault on.

    Args:
        asked: Requests by kind.
        failed: Those that failed, by kind and error: ``write NoServer``.
        slow: Answered, but later than a second.
        failing_s: From the fault to the end of the last one that failed; 0 where none did.
        longest_s: The longest that one request took.
        normal_s: From the fault to the end of the last one that failed or was slow.
    """

    asked: Mapping[str, int]
    failed: Mapping[str, int]
    slow: int
    failing_s: float
    longest_s: float
    normal_s: float

    def failures(self, *kinds: str) -> int:
        """How many requests of some kinds failed."""
        return sum(count for name, count in self.failed.items() if name.split()[0] in kinds)


def damage(asked: Sequence[Asked], struck: float) -> Damage:
    """Judge the requests that ended after a fault.

    Args:
        asked: What was asked around it.
        struck: When the fault came, by the same clock.
    """
    after = [one for one in asked if one.ended >= struck]
    failed = [one for one in after if one.error is not None]
    return Damage(
        asked=dict(Counter(one.kind for one in after)),
        failed=dict(sorted(Counter(f"{one.kind} {one.error}" for one in failed).items())),
        slow=sum(one.bad for one in after) - len(failed),
        failing_s=max((one.ended - struck for one in failed), default=0.0),
        longest_s=max((one.ended - one.sent for one in after), default=0.0),
        normal_s=max((one.ended - struck for one in after if one.bad), default=0.0),
    )
