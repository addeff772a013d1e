"""From what the models noted to the statistics that are compared, for a baseline and for live traffic alike.

===================================================== ==========================================================
``query_text``, ``query_photo``                       vectors of texts and of photos
``text_characters``, ``_tokens``, ``_unknown``, ``_cut``  lengths, the share of unknown tokens, whether it was too long
``photo_width``, ``_height``, ``_bytes``, ``_brightness``, ``_contrast``  of the file, and of what the tower sees
``text_score``, ``_score_gap``, ``_found``            of queries by text alone, with no filter and no business score
``photo_score``, ``_score_gap``, ``_found``           of queries by photo alone
===================================================== ==========================================================

A query that is asked again and again counts once: what is popular changes from hour to hour, and is no drift.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.observing import Columns, Window

TEXTS, PHOTOS, ANSWERS = "text_preprocess", "image_preprocess", "retrieve"
MODELS = (TEXTS, PHOTOS, ANSWERS)

VECTORS = {"query_text": "text_vector", "query_photo": "image_vector"}
_TEXT = ("characters", "tokens", "unknown", "cut")
_PHOTO = ("width", "height", "bytes", "brightness", "contrast")
_SCORES = {"score": "best", "score_gap": "gap", "found": "found"}

# Of these the mean tells more than the median.
SHARES = frozenset({"text_unknown", "text_cut", "text_found", "photo_found"})

Measures = Mapping[str, NDArray[Any]]


def pooled(windows: Sequence[Window]) -> Columns:
    """The samples of windows one after the other, in their order."""
    known = [window for window in windows if window.samples]
    if not known:
        return {}
    names = set.intersection(*(set(window.columns) for window in known))
    return {name: np.concatenate([window.columns[name] for window in known]) for name in names}


def measures_of(noted: Mapping[str, Columns]) -> dict[str, NDArray[Any]]:
    """The values of each statistic, distinct requests alone, in their order.

    Args:
        noted: By model, what it noted; a model may be absent, or have noted nothing.

    Returns:
        ``(samples,)`` float64 each, or ``(samples, dim)`` float32 for vectors.
    """
    measures: dict[str, NDArray[Any]] = {}
    for model, kind, names in ((TEXTS, "text", _TEXT), (PHOTOS, "photo", _PHOTO)):
        if columns := noted.get(model):
            chosen = _first_by_key(columns)
            measures |= {f"{kind}_{name}": columns[name][chosen].astype(np.float64) for name in names}
    if columns := noted.get(ANSWERS):
        measures |= _answers(columns)
    return measures


def texts_of(noted: Mapping[str, Columns]) -> list[str]:
    """Distinct texts, in their order; none where texts are not kept."""
    columns = noted.get(TEXTS)
    return [] if not columns else [text for text in dict.fromkeys(columns["text"].tolist()) if text]


def middle(name: str, values: NDArray[Any]) -> float | None:
    """Median of a statistic's values, or the mean of shares; None for vectors."""
    if name in VECTORS:
        return None
    return float(values.mean() if name in SHARES else np.median(values))


def _answers(columns: Columns) -> dict[str, NDArray[Any]]:
    vectors = {name: columns[column] for name, column in VECTORS.items()}
    asked = {name: rows.any(axis=1) for name, rows in vectors.items()}
    measures = {}
    for name, other, kind in (("query_text", "query_photo", "text"), ("query_photo", "query_text", "photo")):
        chosen = _first_by_rows(vectors[name], asked[name])
        measures[name] = vectors[name][chosen].astype(np.float32)
        alone = _first_by_rows(vectors[name], asked[name] & ~asked[other] & columns["plain"])
        for score, column in _SCORES.items():
            values = columns[column][alone].astype(np.float64)
            measures[f"{kind}_{score}"] = values[np.isfinite(values)]
    return measures


def _first_by_key(columns: Columns) -> NDArray[np.int64]:
    """Places of the first sample of each key, ascending."""
    return np.sort(np.unique(columns["key"], return_index=True)[1])


def _first_by_rows(rows: NDArray[Any], wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places of the first of each different row among those wanted, ascending."""
    places = {rows[place].tobytes(): place for place in reversed(np.flatnonzero(wanted).tolist())}
    return np.array(sorted(places.values()), np.int64)
