"""A recommendation with a known answer, which the server must give before it is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.recommending import still_recommender
from ensemble.tasks import Profile, Recommended, Recommender
from export.probe import CANDIDATES, TOLERANCE, K, clear_prefix

MODEL = "recommend"


def recommend_request(folder: Path, ids: Sequence[str]) -> dict[str, Any]:
    """Ask a recommender, in process, what the server will have to answer.

    Args:
        folder: Of the recommender.
        ids: Products that may be asked for; of the first ones that is taken whose answer rounding is least likely to
            change.

    Returns:
        An entry of ``probe.json``.
    """
    recommender = still_recommender(folder)
    profile = _profile(list(recommender.shop.profiles.by_name.values()))
    clear = {name: _clear(_ask(recommender, name, profile, K + 1)) for name in ids[:CANDIDATES]}
    name = max(clear, key=lambda one: clear[one])
    k = max(1, clear[name])
    answer = _ask(recommender, name, profile, k)
    found, scores = answer.found.ids[0], answer.found.hits[0].scores.tolist()
    # A shop of one product has nothing to recommend.
    known = {"RECOMMENDED_ID": found, "SCORE": scores, "RULE": answer.rules[0]} if found else {"COUNT": [0]}
    inputs = {"PRODUCT_ID": [name], "TASK": profile, "K": k}
    return {"model": MODEL, "inputs": inputs, "expected": known, "tolerance": TOLERANCE}


def _profile(profiles: Sequence[Profile]) -> str:
    """One whose answers follow their scores, where there is one."""
    return next((profile for profile in profiles if profile.task == "similar"), profiles[0]).name


def _ask(recommender: Recommender, name: str, profile: str, k: int) -> Recommended:
    request = {
        "PRODUCT_ID": np.array([[name.encode()]], object),
        "TASK": np.array([[profile.encode()]], object),
        "K": np.array([[k]], np.int32),
    }
    (answer,) = recommender.answer([request])
    if isinstance(answer, Exception):
        raise answer
    return answer


def _clear(answer: Recommended) -> int:
    """How many products, at most ``K``, come before the first that rounding could swap."""
    return clear_prefix(answer.found.hits[0].scores.tolist())
