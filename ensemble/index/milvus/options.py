"""Where a Milvus is, and how its collection is made and searched."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, cast, get_args
from urllib.parse import urlsplit

from ensemble.variables import MILVUS, MILVUS_COLLECTION, MILVUS_SEARCH, MILVUS_TOKEN

IndexType = Literal[
    "FLAT", "HNSW", "IVF_FLAT", "AUTOINDEX", "GPU_BRUTE_FORCE", "GPU_CAGRA", "GPU_IVF_FLAT", "GPU_IVF_PQ"
]
Rows = Literal["float32", "float16"]

# Milvus answers no query with more.
MOST_HITS = 16_384
MOST_HITS_GPU = 1_024


@dataclass(frozen=True)
class MilvusOptions:
    """A Milvus.

    ``FLAT``, ``HNSW`` and ``IVF_FLAT`` run anywhere, in the embedded milvus-lite too, and are tested there.
    ``AUTOINDEX`` leaves the choice to the cluster. The ``GPU_`` types need a cluster whose query nodes have GPUs, and
    give at most 1,024 hits; they, ``float16`` rows and everything else of a cluster have not been run for this project.

    Args:
        uri: ``http://host:19530``, or a file ending in ``.db`` for milvus-lite, which is for tests alone.
        token: ``user:password`` or an API key; from the environment, so that no command line shows it.
        collection: How the names of the collections begin; each space has its own.
        index_type: How the rows are indexed where a collection is made; one that is there stays as it was made.
        index_params: Of that index, as Milvus names them: ``M``, ``efConstruction``, ``nlist``, ``graph_degree``.
        search_params: Of a search, in place of the defaults: ``ef``, ``nprobe``, ``itopk_size``.
        rows: How the rows are kept. Ours are float16: ``float32`` is exact in twice the memory. With ``float16`` the
            queries are rounded to it too. It counts where a collection is made.
        timeout_s: The longest that one call may take, in seconds.
        slow_timeout_s: The same for making, loading and flushing a collection.

    Raises:
        ValueError: A value is not allowed.
    """

    uri: str = field(repr=False)
    token: str = field(default="", repr=False)
    collection: str = "tandem"
    index_type: IndexType = "FLAT"
    index_params: Mapping[str, Any] = field(default_factory=dict)
    search_params: Mapping[str, Any] = field(default_factory=dict)
    rows: Rows = "float32"
    timeout_s: float = 5.0
    slow_timeout_s: float = 300.0

    def __post_init__(self) -> None:
        if not self.uri:
            raise ValueError("`uri` must not be empty: http://host:19530 is one")
        if self.is_lite and not self.uri.endswith(".db"):
            host = self.uri.rpartition("@")[2]
            raise ValueError(
                f"`uri` must begin with http:// or https://, or be a file of milvus-lite that ends in .db, "
                f"got {host!r}; did you mean http://{host}?"
            )
        for name, allowed in (("index_type", get_args(IndexType)), ("rows", get_args(Rows))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {', '.join(allowed)}, got {getattr(self, name)!r}")
        if not self.collection.isidentifier() or not self.collection.isascii():
            raise ValueError(f"`collection` must be letters, digits and underscores, got {self.collection!r}")
        for name in ("timeout_s", "slow_timeout_s"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"`{name}` must be above 0 and finite, got {getattr(self, name)}")
        for name in ("index_params", "search_params"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @classmethod
    def asked(cls, environment: Mapping[str, str], **more: Any) -> MilvusOptions:
        """What the environment asks for.

        Args:
            environment: ``TANDEM_MILVUS`` is the address, ``TANDEM_MILVUS_TOKEN``, ``TANDEM_MILVUS_COLLECTION`` and
                ``TANDEM_MILVUS_SEARCH`` (a JSON object of search parameters) are optional.
            **more: Options in place of these.

        Raises:
            ValueError: A value is not allowed.
        """
        asked: dict[str, Any] = {"uri": environment.get(MILVUS, ""), "token": environment.get(MILVUS_TOKEN, "")}
        if environment.get(MILVUS_COLLECTION):
            asked["collection"] = environment[MILVUS_COLLECTION]
        if environment.get(MILVUS_SEARCH):
            asked["search_params"] = parameters(environment[MILVUS_SEARCH], MILVUS_SEARCH)
        return cls(**(asked | more))

    @property
    def is_lite(self) -> bool:
        """Whether it is a file of milvus-lite and no server."""
        return "://" not in self.uri

    @property
    def most_hits(self) -> int:
        """The most hits that a query can want."""
        return MOST_HITS_GPU if self.index_type.startswith("GPU_") else MOST_HITS

    @property
    def shown(self) -> str:
        """The address as it may be told: without a user, a password or a query."""
        if self.is_lite:
            return self.uri
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def searching(self, hits: int) -> dict[str, Any]:
        """The parameters of a search for so many hits: wide enough for them, whatever the defaults of Milvus are."""
        return {**_searching(self.index_type, hits), **self.search_params}


def parameters(text: str, name: str) -> dict[str, Any]:
    """Index or search parameters, as a JSON object.

    Raises:
        ValueError: It is none; names the input.
    """
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name}: not JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise ValueError(  # noqa: TRY004 -- a text of the wrong form
            f'{name}: an object such as {{"ef": 128}} is needed, got {text!r}'
        )
    return cast("dict[str, Any]", parsed)


def _searching(index_type: IndexType, hits: int) -> dict[str, Any]:
    if index_type == "HNSW":
        return {"ef": max(128, 2 * hits)}
    if "IVF" in index_type:
        return {"nprobe": 64}
    if index_type == "GPU_CAGRA":  # a power of two, not below the number of hits
        return {"itopk_size": max(128, 1 << (hits - 1).bit_length()), "search_width": 4}
    return {}
