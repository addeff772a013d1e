"""Looks at what a release is asked for, and tells when that is no longer what it was made for."""

from __future__ import annotations

import time
from pathlib import Path

from deploy.drift.baseline import read_baseline
from deploy.drift.explaining import Encode, about_texts, explain, unlike
from deploy.drift.judging import judge
from deploy.drift.measuring import MODELS, measures_of, pooled, texts_of
from deploy.drift.values import DriftReport
from ensemble.observing import FOLDER, read_windows

LOOKBACK_S = 3600.0


class Monitor:
    """Compares the newest live windows of a release with its baseline.

    It keeps nothing but thresholds: what it says follows from the files, and one that is started anew says the same.

    Args:
        store: The store.
        release: Number of the release whose windows are looked at.
        encode: Texts to vectors as the release does it, to choose examples by (``release_encoder``); without it they
            are chosen by their words.

    Raises:
        NoBaseline: The release has no baseline, or one that cannot be read.
    """

    def __init__(self, store: Path, release: int, *, encode: Encode | None = None) -> None:
        self._observed, self._release, self._encode = store / FOLDER, release, encode
        self._baseline = read_baseline(store, release)

    def look(self, now: float | None = None) -> DriftReport | None:
        """Judge the newest windows.

        Args:
            now: Seconds since the epoch; windows that ended more than an hour before are not looked at.

        Returns:
            What was found; None where no statistic has enough distinct requests yet.
        """
        now = time.time() if now is None else now
        since = now - LOOKBACK_S
        noted = {model: pooled(read_windows(self._observed, model, self._release, since=since)) for model in MODELS}
        statistics = judge(self._baseline, measures_of(noted))
        if not statistics:
            return None
        alarm = any(statistic.alarm for statistic in statistics)
        return DriftReport(
            release=self._release,
            time=now,
            samples=max(statistic.samples for statistic in statistics),
            statistics=statistics,
            alarm=alarm,
            explanation=explain(statistics),
            examples=unlike(texts_of(noted), self._baseline, self._encode) if about_texts(statistics) else (),
            source=self._baseline.source,
        )
