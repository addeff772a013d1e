"""Popular products by category, most popular first: what is answered where nothing else is left."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue.errors import shown
from ensemble.features.categories import ancestors
from export.errors import BadRecommender

# So many may be filtered away, seen or variants before a list of ten is short.
MOST = 200
WHOLE_SHOP = ""


def popular_lists(products: Sequence[Mapping[str, Any]], counts: Mapping[str, float]) -> dict[str, list[str]]:
    """At most ``MOST`` ids of each category with all that lies below it; those of the whole shop under ``""``.

    Args:
        products: With ``id`` and ``category``.
        counts: How often each was bought, by id; what was never bought is in no list.
    """
    bought = [product for product in products if counts.get(product["id"], 0) > 0]
    lists: dict[str, list[str]] = {}
    for product in sorted(bought, key=lambda one: (-counts[one["id"]], one["id"])):
        for category in (*ancestors(product.get("category")), WHOLE_SHOP):
            ids = lists.setdefault(category, [])
            if len(ids) < MOST:
                ids.append(product["id"])
    return dict(sorted(lists.items()))


def read_counts(path: Path) -> dict[str, float]:
    """Read how often each product was bought: a JSON object of ids and numbers of at least 0.

    Raises:
        BadRecommender: It is none; names the product.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadRecommender(f"{path}: not a JSON file that can be read: {error}") from error
    if not isinstance(content, dict):
        raise BadRecommender(f"{path}: a JSON object of product ids and counts is needed, got {shown(content)}")
    for name, count in content.items():
        if isinstance(count, bool) or not isinstance(count, int | float) or not math.isfinite(count) or count < 0:
            raise BadRecommender(f"{path}: product {shown(name)} = {shown(count)}; allowed: a number of at least 0")
    return content
