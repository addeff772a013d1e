"""What a look at the live traffic found."""

from __future__ import annotations

from dataclasses import dataclass

# Distances of small samples are multiples of a fraction: equal ones must not differ by their rounding.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Statistic:
    """One statistic of a window.

    Args:
        name: Such as ``query_text`` or ``photo_brightness``; see ``deploy.drift.measuring``.
        value: How far the newest window is from the baseline.
        threshold: What the value is beyond once in ``alpha / statistics`` windows of the baseline's own.
        alarm: Whether the newest window and the one before it, which share no sample, are both beyond the threshold.
        samples: How many samples the newest window has.
        before: Median of the baseline, or mean of shares; None for vectors.
        now: The same of the newest window.
        earlier: The value of the window before the newest; None where there is none yet.
    """

    name: str
    value: float
    threshold: float
    alarm: bool
    samples: int = 0
    before: float | None = None
    now: float | None = None
    earlier: float | None = None

    @property
    def beyond(self) -> bool:
        """Whether the newest window is beyond the threshold."""
        return _beyond(self.value, self.threshold)

    @property
    def confirmed(self) -> bool:
        """Whether the window before it is beyond the threshold too."""
        return self.beyond and self.earlier is not None and _beyond(self.earlier, self.threshold)


@dataclass(frozen=True)
class DriftReport:
    """The newest windows of one release's live traffic beside its baseline.

    Args:
        release: The release.
        time: When, seconds since the epoch.
        samples: How many distinct requests the largest of the newest windows holds.
        statistics: What was compared.
        alarm: Whether any statistic is in alarm.
        explanation: What is beyond its threshold, by how much, in which direction; in words.
        examples: Texts of the window that are most unlike the baseline; empty without an alarm.
        source: What the baseline was made of, in words.
    """

    release: int
    time: float
    samples: int
    statistics: tuple[Statistic, ...]
    alarm: bool
    explanation: str
    examples: tuple[str, ...]
    source: str = ""


def _beyond(value: float, threshold: float) -> bool:
    return value > threshold + _ROUNDING
