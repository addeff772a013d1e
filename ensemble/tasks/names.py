"""Tensors of the ``recommender`` model, and the files of its folder, by name."""

from __future__ import annotations

from collections.abc import Mapping

# Triton's type and dimensions of each input, beside the batch; -1 is any. All are optional.
INPUTS: Mapping[str, tuple[str, int | str]] = {
    "PRODUCT_ID": ("BYTES", -1),
    "ROW": ("FP32", "row_dim"),
    "PRODUCT": ("BYTES", 1),
    "WEIGHTS": ("FP32", -1),
    "TIMES": ("INT64", -1),
    "TASK": ("BYTES", 1),
    "K": ("INT32", 1),
    "FILTER": ("BYTES", 1),
    "MIN_SEQ": ("INT64", 1),
    "SEEN": ("BYTES", -1),
    "CATEGORY": ("BYTES", -1),
    "NEAREST": ("INT32", 1),
    "SKIP": ("INT32", 1),
    "DIVERSITY": ("FP32", 1),
    "PER_CATEGORY": ("INT32", 1),
    "PER_BRAND": ("INT32", 1),
}
OUTPUTS: Mapping[str, tuple[str, int]] = {
    "PRODUCT_ID": ("BYTES", -1),
    "SCORE": ("FP32", -1),
    "PRODUCT": ("BYTES", -1),
    "RULE": ("BYTES", -1),
    "COUNT": ("INT32", 1),
    "REASON": ("BYTES", 1),
    "RELEASE": ("INT64", 1),
    "SEQ": ("INT64", 1),
}

TASKS = "tasks.toml"
COMPLEMENTS = "complements.json"
POPULAR = "popular.json"
CLUSTERS = "clusters.npy"

DEFAULT_K = 10
MAX_K = 200
DEFAULT_PROFILE = "similar"
# More ids than these in one row are a mistake, or an attack.
MOST_IDS = 10_000
MOST_CATEGORY_CHARACTERS = 1_024
# Over the rows of a request, products times searches: all other requests wait for it.
MOST_ASKED = 32_000
# Over the rows of a request too: each may have to be found, and passed over in every search of its row.
MOST_SEEN = 32_000
# So many categories of complements may be asked for at once: each is a search of its own.
MOST_CATEGORIES = 20
# Clocks differ: times so many seconds ahead are taken as now.
AHEAD_S = 300
