"""The bounds that releases are held to, and their file, ``watch.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from deploy.watching.errors import BadBounds

DEFAULT = Path(__file__).with_name("watch.toml")

Drift = Literal["act", "tell"]


class _Range(NamedTuple):
    """What a number may be."""

    low: float
    high: float
    whole: bool = False

    @property
    def told(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:,} to {self.high:,}"

    def holds(self, value: Any) -> bool:
        """Whether a value is one; TOML's booleans are no numbers, and ``nan`` is in no range."""
        allowed = int if self.whole else (int, float)
        return isinstance(value, allowed) and not isinstance(value, bool) and self.low <= value <= self.high


_DAY_S = 86_400.0
_RANGES: Mapping[str, _Range] = {
    "error_rate": _Range(0.0, 1.0),
    "question_failures": _Range(0.0, 1.0),
    "p99_ms": _Range(0.1, 600_000.0),
    "p99_ratio": _Range(1.0, 1_000.0),
    "recall_drop": _Range(0.0, 1.0),
    "restarts": _Range(0, 1_000, whole=True),
    "min_requests": _Range(1, 1_000_000, whole=True),
    "breaches_in_a_row": _Range(1, 1_000, whole=True),
    "grace_s": _Range(0.0, _DAY_S),
    "probation_s": _Range(0.0, 365 * _DAY_S),
    "cooldown_s": _Range(0.0, 365 * _DAY_S),
    "interval_s": _Range(0.1, 3_600.0),
    "questions_per_s": _Range(0.01, 50.0),
}


@dataclass(frozen=True)
class Bounds:
    """What a release may not do, when it counts, and how it is looked at; `watch.toml` explains each.

    Args:
        error_rate: Share of failed requests beyond that of the other release.
        question_failures: Share of questions with known answers that get no answer, beyond that of the other release.
        p99_ms: 99th percentile of the time in the server, of each kind of request.
        p99_ratio: The same as a multiple of the other release's.
        recall_drop: How far recall@10 may fall below what the release reached when it was made.
        restarts: Restarts of the server within the watch period.
        drift: Whether queries of another kind take a release back.
        min_requests: Requests that one judgement of errors or times is over.
        breaches_in_a_row: Looks in a row that one bound must be breached at.
        grace_s: Time after a switch in which errors and times are not judged.
        probation_s: Time after an activation in which a release may be taken back.
        cooldown_s: Least time between two rollbacks.
        interval_s: Time between two looks.
        questions_per_s: Questions that a release is asked.

    Raises:
        ValueError: Values are out of range; names each with what is allowed.
    """

    error_rate: float = 0.01
    question_failures: float = 0.1
    p99_ms: float = 500.0
    p99_ratio: float = 2.0
    recall_drop: float = 0.05
    restarts: int = 1
    drift: Drift = "tell"
    min_requests: int = 200
    breaches_in_a_row: int = 3
    grace_s: float = 60.0
    probation_s: float = 3_600.0
    cooldown_s: float = 1_800.0
    interval_s: float = 10.0
    questions_per_s: float = 2.0

    def __post_init__(self) -> None:
        problems = list(_problems({field.name: getattr(self, field.name) for field in fields(self)}))
        if problems:
            raise ValueError("; ".join(problems))

    @property
    def questions(self) -> int:
        """Questions that a release is asked at one look."""
        return max(1, round(self.questions_per_s * self.interval_s))

    @property
    def question_s(self) -> float:
        """Seconds that a question may take: 1, or twice what requests may take, and at most the time of a look."""
        return max(1.0, min(self.interval_s, 2 * self.p99_ms / 1_000))


def read_bounds(path: Path | None = None) -> Bounds:
    """Read a file of bounds; fields that it leaves out have their defaults.

    Args:
        path: TOML; None for `watch.toml` beside this module.

    Raises:
        BadBounds: It cannot be read, or fields are unknown or out of range; lists every problem.
    """
    path = DEFAULT if path is None else path
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadBounds(path, [f"cannot be read: {error}"]) from error
    problems = list(_problems(content))
    if problems:
        raise BadBounds(path, problems)
    return Bounds(**content)


def _problems(content: Mapping[str, Any]) -> Iterator[str]:
    for name, value in content.items():
        if name == "drift":
            if value not in get_args(Drift):
                yield f"drift = {value!r}; allowed: {' or '.join(map(repr, get_args(Drift)))}"
        elif name not in _RANGES:
            yield f"{name} = {value!r}; no such field; allowed: {', '.join([*_RANGES, 'drift'])}"
        elif not _RANGES[name].holds(value):
            yield f"{name} = {value!r}; allowed: {_RANGES[name].told}"
    grace, probation = (content.get(name, getattr(Bounds, name)) for name in ("grace_s", "probation_s"))
    judged = all(_RANGES[name].holds(value) for name, value in (("grace_s", grace), ("probation_s", probation)))
    if judged and probation < grace:
        yield f"probation_s = {probation!r}; allowed: at least grace_s, which is {grace:g}"
