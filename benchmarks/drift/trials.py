"""Baselines and windows drawn by chance, and what the detector says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from benchmarks.drift.streams import Places, Stream, mixed, noted
from deploy.drift.baseline import Baseline
from deploy.drift.judging import judge
from deploy.drift.measuring import measures_of, texts_of
from deploy.drift.values import Statistic

BASELINE_TEXTS, BASELINE_PHOTOS = 512, 256
WINDOW_TEXTS, WINDOW_PHOTOS = 256, 128
# How often the shop is halved anew.
SPLITS = 20
# Consecutive windows until an alarm, at most.
PATIENCE = 6


@dataclass(frozen=True)
class Shop:
    """What is asked of the web shop, and of which item each text was made.

    Args:
        texts: Different queries.
        items: For each the number of its item, ``(texts,)``.
        photos: Different photos.
    """

    texts: Stream
    items: Places
    photos: Stream


@dataclass(frozen=True)
class Split:
    """A baseline, and usual queries that share no item and no photo with it.

    Args:
        baseline: Of one half.
        texts: Of the other.
        photos: Of the other.
    """

    baseline: Baseline
    texts: Stream
    photos: Stream

    @classmethod
    def of(cls, shop: Shop, random: np.random.Generator) -> Split:
        """Halve the items and the photos by chance."""
        first = random.random(shop.items.max() + 1) < 0.5
        ours, others = (np.flatnonzero(first[shop.items] == half) for half in (True, False))
        order = random.permutation(len(shop.photos))
        texts = shop.texts.taken(random.permutation(ours)[:BASELINE_TEXTS])
        photos = shop.photos.taken(order[:BASELINE_PHOTOS])
        known = noted(texts, photos)
        baseline = Baseline(measures_of(known), tuple(texts_of(known)), "texts of the queries, photos of the queries")
        return cls(baseline, shop.texts.taken(others), shop.photos.taken(order[BASELINE_PHOTOS:]))


def judged(
    split: Split,
    random: np.random.Generator,
    foreign: Stream | None = None,
    share: float = 1.0,
    photos: Stream | None = None,
) -> tuple[Statistic, ...]:
    """Two windows in a row that share no query, as the monitor judges them.

    Args:
        split: The baseline, and usual traffic.
        random: Draws the windows.
        foreign: Texts that take the place of a share of the usual ones; None for none.
        share: How many.
        photos: Photos that take the place of all usual ones; None for none.
    """
    texts = split.texts.taken(random.permutation(len(split.texts))[: 2 * WINDOW_TEXTS])
    if foreign is not None:
        texts = mixed(texts, foreign, share, random)
    source = split.photos if photos is None else photos
    drawn = source.taken(random.permutation(len(source))[: 2 * WINDOW_PHOTOS])
    return judge(split.baseline, measures_of(noted(texts, drawn)))


@dataclass(frozen=True)
class Tally:
    """What was said of many pairs of windows.

    Args:
        windows: How many windows were judged.
        beyond: How many had a statistic beyond its threshold.
        looks: How many pairs of windows.
        alarms: How many pairs had a statistic beyond its threshold in both.
        by: How often each statistic was in alarm.
        wait: Median number of windows until the alarm, where windows follow one another; None where half of the
            streams had none after ``PATIENCE`` windows.
    """

    windows: int
    beyond: int
    looks: int
    alarms: int
    by: Mapping[str, int]
    wait: float | None = None


def tally(looks: list[tuple[Statistic, ...]]) -> Tally:
    """Count what was said of pairs of windows."""
    names = sorted({one.name for look in looks for one in look})
    by = {name: sum(one.alarm for look in looks for one in look if one.name == name) for name in names}
    newest = [any(one.beyond for one in look) for look in looks]
    earlier = [any(_earlier_beyond(one) for one in look) for look in looks]
    alarms = sum(any(one.alarm for one in look) for look in looks)
    by = {name: count for name, count in by.items() if count}
    return Tally(2 * len(looks), sum(newest) + sum(earlier), len(looks), alarms, by, _wait(looks))


def _earlier_beyond(one: Statistic) -> bool:
    return one.earlier is not None and one.earlier > one.threshold + 1e-9


def _wait(looks: list[tuple[Statistic, ...]]) -> float | None:
    """Windows until the first alarm of streams, each of ``PATIENCE`` windows out of as many looks' halves."""
    streams = [
        looks[start : start + PATIENCE // 2] for start in range(0, len(looks) - PATIENCE // 2 + 1, PATIENCE // 2)
    ]
    waits = sorted(_first_alarm(stream) for stream in streams)
    middle = waits[len(waits) // 2] if waits else math.inf
    return None if middle == math.inf else middle


def _first_alarm(stream: list[tuple[Statistic, ...]]) -> float:
    """The window, counted from 1, with which a statistic was beyond its threshold for the second time in a row."""
    beyond: list[set[str]] = []
    for look in stream:
        beyond.append({one.name for one in look if _earlier_beyond(one)})
        beyond.append({one.name for one in look if one.beyond})
    alarms = (place for place, (one, other) in enumerate(pairwise(beyond), start=2) if one & other)
    return float(next(alarms, math.inf))
