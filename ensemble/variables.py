"""Environment of the models: ``deploy`` sets what they read, so that both mean the same names."""

from __future__ import annotations

CATALOGUE = "TANDEM_CATALOGUE"
SNAPSHOTS = "TANDEM_SNAPSHOTS"
ENGINE = "TANDEM_ENGINE"
CACHE = "TANDEM_CACHE"
MILVUS = "TANDEM_MILVUS"
MILVUS_TOKEN = "TANDEM_MILVUS_TOKEN"  # noqa: S105 -- the name of a variable
MILVUS_COLLECTION = "TANDEM_MILVUS_COLLECTION"
MILVUS_SEARCH = "TANDEM_MILVUS_SEARCH"
