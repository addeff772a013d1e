"""Whether an input's vector depends on what shares its batch.

Serving batches whatever arrives together. A graph whose ranges are measured over the batch, or whose padding leaks,
gives the same input another vector each time, and so another order of products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.gate.preparation import Feed, Preparation
from export.gate.trial import Raw
from export.reference import Floats

BATCH = 8

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Company:
    """A batch of several inputs.

    Args:
        rows: Places of the inputs; more may stand behind them in the batch.
        feed: By tensor name.
    """

    rows: tuple[int, ...]
    feed: Feed


def companies(raws: Sequence[Raw], sizes: Sequence[int], preparation: Preparation) -> list[Company]:
    """Batches in which every input meets others unlike it, and a few meet the least like them.

    Args:
        raws: All inputs.
        sizes: Of each, as the tower sees it: tokens of a text.
        preparation: As served.
    """
    order = np.argsort(sizes, kind="stable").tolist()
    # Every batch reaches from the shortest to the longest, so that most inputs are padded further than alone.
    count = -(-len(order) // BATCH)
    mixed = [tuple(order[start::count]) for start in range(count)]
    made = [Company(rows, preparation.served([raws[at] for at in rows])) for rows in mixed]
    few = tuple(order[: BATCH - 1])
    return made + [Company(few, feed) for feed in preparation.crowds([raws[at] for at in few])]


def distances(alone: Floats, among: Sequence[Company], encode: Callable[[Feed], Floats]) -> Values:
    """``(inputs,)``: how far (L2) each vector moves at most in company; NaN where it is not a number there."""
    moved = np.zeros(len(alone))
    for company in among:
        rows = list(company.rows)
        vectors = encode(company.feed)[: len(rows)].astype(np.float64)
        with np.errstate(invalid="ignore"):  # infinity less itself is NaN, and `maximum` hands NaN on
            moved[rows] = np.maximum(moved[rows], np.linalg.norm(vectors - alone[rows], axis=1))
    return moved
