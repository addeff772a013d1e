"""Says in words what has drifted, and shows the texts that are most unlike the baseline."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from deploy.drift.baseline import Baseline
from deploy.drift.distances import witness
from deploy.drift.measuring import SHARES
from deploy.drift.values import Statistic

Encode = Callable[[Sequence[str]], NDArray[np.float32]]

EXAMPLES = 5
MOST_TEXTS = 256
_MEANINGS = {
    "query_text": "what texts ask for",
    "query_photo": "what photos show",
    "text_characters": "the length of texts in characters",
    "text_tokens": "the length of texts in tokens",
    "text_unknown": "the share of unknown tokens",
    "text_cut": "the share of texts that are too long",
    "photo_width": "the width of photos in pixels",
    "photo_height": "the height of photos in pixels",
    "photo_bytes": "the size of photos in bytes",
    "photo_brightness": "the brightness of photos",
    "photo_contrast": "the contrast of photos",
    "text_score": "the best score of a text",
    "text_score_gap": "the lead of a text's best product",
    "text_found": "the share of products found for a text",
    "photo_score": "the best score of a photo",
    "photo_score_gap": "the lead of a photo's best product",
    "photo_found": "the share of products found for a photo",
}


def explain(statistics: Sequence[Statistic]) -> str:
    """What is in alarm, worst first, and what only its newest window is beyond."""
    alarms = sorted((one for one in statistics if one.alarm), key=_excess, reverse=True)
    if alarms:
        return "Drift in two windows in a row. " + " ".join(_sentence(one) for one in alarms)
    once = [one for one in statistics if one.beyond]
    if once:
        names = ", ".join(one.name for one in once)
        return f"No drift: {names} beyond the threshold in the newest window alone, which is no alarm yet."
    return f"No drift: {len(statistics)} statistics are within what chance explains."


def meaning(name: str) -> str:
    """A statistic in words."""
    return _MEANINGS[name]


def about_texts(statistics: Sequence[Statistic]) -> bool:
    """Whether what is in alarm can be shown by texts."""
    return any(one.alarm and (one.name == "query_text" or one.name.startswith("text_")) for one in statistics)


def unlike(texts: Sequence[str], baseline: Baseline, encode: Encode | None) -> tuple[str, ...]:
    """The texts of a window that are most unlike the baseline, most unlike first.

    Args:
        texts: Of the window, newest first.
        baseline: Its vectors or, without ``encode``, its words.
        encode: Texts to vectors ``(texts, dim)``, as the release does it.
    """
    some = list(texts[:MOST_TEXTS])
    if not some:
        return ()
    vectors = baseline.measures.get("query_text")
    if encode is None or vectors is None:
        strangeness = _rarity(some, baseline.texts)
    else:
        found = encode(some)
        strangeness = witness(found, found, vectors, baseline.width("query_text"))
    return tuple(some[place] for place in np.argsort(-strangeness, kind="stable")[:EXAMPLES])


def _excess(statistic: Statistic) -> float:
    return statistic.value / max(statistic.threshold, 1e-12)


def _sentence(statistic: Statistic) -> str:
    words = f"{statistic.name} ({meaning(statistic.name)}) is {statistic.value:.3g} from the baseline, "
    words += f"{_excess(statistic):.1f} times the threshold of {statistic.threshold:.3g}"
    if statistic.before is None or statistic.now is None:
        return words + "."
    name = "mean" if statistic.name in SHARES else "median"
    if statistic.before == statistic.now:
        return words + f"; its {name} is {statistic.now:.4g} as before, its spread is not."
    direction = "higher" if statistic.now > statistic.before else "lower"
    return words + f": {direction}, {name} {statistic.now:.4g} instead of {statistic.before:.4g}."


def _rarity(texts: Sequence[str], known: Sequence[str]) -> NDArray[np.float64]:
    """Mean information of a text's words in the baseline, in nats, with one added to each count."""
    counts = Counter(word for text in known for word in _words(text))
    total = counts.total() + len(counts) + 1
    return np.array(
        [float(np.mean([math.log(total / (counts[word] + 1)) for word in _words(text) or [""]])) for text in texts]
    )


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())
