"""The baseline of a release: the same statistics of queries that it was made with, in ``releases/NNNN/baseline/``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from deploy.drift.distances import Floats, bandwidth, ks, likeness, mmd2
from deploy.drift.errors import NoBaseline
from deploy.drift.measuring import MODELS, VECTORS, Measures, measures_of, texts_of
from deploy.drift.thresholds import ks_threshold, mmd_threshold
from ensemble.observing import read_columns
from ensemble.release import release_folder

FOLDER, FACTS, FORMAT = "baseline", "baseline.json", 1
# Probability that a window of the baseline's own traffic has any statistic beyond its threshold.
ALPHA = 0.01
SIZES = (16, 32, 64, 128, 256)
# A difference of distributions that concerns fewer than one request in ten is nobody's alarm.
LEAST_KS = 0.1


@dataclass(frozen=True)
class Baseline:
    """What live traffic is compared with.

    Args:
        measures: Values of each statistic; those with too few are left out.
        texts: The texts among the queries.
        source: What the queries are, in words.
    """

    measures: Measures
    texts: tuple[str, ...]
    source: str
    _widths: dict[str, float] = field(default_factory=dict, repr=False)
    _within: dict[str, float] = field(default_factory=dict, repr=False)
    _thresholds: dict[tuple[str, int], float] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        enough = {name: values for name, values in self.measures.items() if len(values) >= 2 * SIZES[0]}
        object.__setattr__(self, "measures", enough)

    @property
    def level(self) -> float:
        """Probability that one statistic is beyond its threshold: ``ALPHA`` divided among them all (Bonferroni)."""
        return ALPHA / max(1, len(self.measures))

    def sizes(self, name: str) -> tuple[int, ...]:
        """How many samples a window of a statistic may have, ascending."""
        return tuple(size for size in SIZES if 2 * size <= len(self.measures[name]))

    def distance(self, name: str, window: Floats) -> float:
        """How far a window is from the baseline: squared MMD of vectors, Kolmogorov-Smirnov distance of numbers."""
        if name in VECTORS:
            if name not in self._within:
                self._within[name] = likeness(self.measures[name], self.width(name))
            return mmd2(window, self.measures[name], self.width(name), within_other=self._within[name])
        return ks(window, self.measures[name])

    def threshold(self, name: str, size: int) -> float:
        """What ``distance`` exceeds with probability ``level`` in windows of the baseline's own; worked out once."""
        key = (name, size)
        if key not in self._thresholds:
            values = self.measures[name]
            self._thresholds[key] = (
                mmd_threshold(values, self.width(name), size, self.level)
                if name in VECTORS
                else max(LEAST_KS, ks_threshold(values, size, self.level))
            )
        return self._thresholds[key]

    def width(self, name: str) -> float:
        """Of the kernel for a statistic of vectors."""
        if name not in self._widths:
            self._widths[name] = bandwidth(self.measures[name])
        return self._widths[name]


def _check_format(found: int) -> None:
    if found != FORMAT:
        raise ValueError(f"`format` must be {FORMAT}, got {found}")


def read_baseline(store: Path, release: int) -> Baseline:
    """Read the baseline of a release.

    Raises:
        NoBaseline: There is none, or it cannot be read.
    """
    folder = release_folder(store, release) / FOLDER
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        _check_format(facts["format"])
        files = {model: folder / f"{model}.npz" for model in MODELS}
        noted = {model: read_columns(path) for model, path in files.items() if path.is_file()}
        return Baseline(measures_of(noted), tuple(texts_of(noted)), str(facts["source"]))
    except FileNotFoundError as error:
        raise NoBaseline(
            f"release {release} has no baseline ({folder}): it was made before there were any; make a new release"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoBaseline(f"{folder}: not a baseline that can be read: {error}") from error
