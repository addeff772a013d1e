"""What searches the index: told to the models by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ensemble.variables import CACHE, ENGINE, MILVUS, MILVUS_COLLECTION

# Read by the compiler of GPU kernels.
KERNELS = "TRITON_CACHE_DIR"
VARIABLES = (ENGINE, CACHE, MILVUS, KERNELS)

ENGINES = ("auto", "cpu", "gpu", "gpu-int8", "milvus")


@dataclass(frozen=True)
class Searching:
    """The engine that ``retrieve`` is asked for.

    Args:
        engine: ``auto`` is the GPU where there is one that can be used, else main memory.
        milvus: Where Milvus is, for the engine ``milvus``.
        collection: How the names of its collections begin; None for what the environment says.
    """

    engine: str = "auto"
    milvus: str | None = None
    collection: str | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise ValueError(f"`--engine` must be one of {', '.join(ENGINES)}, got {self.engine!r}")
        if self.in_milvus and not self.milvus:
            raise ValueError(f"`--engine milvus` needs `--milvus URI`, or {MILVUS}: http://host:19530 is one")
        for name, given in (("--milvus", self.milvus), ("--collection", self.collection)):
            if given is not None and not self.in_milvus:
                raise ValueError(f"`{name}` is for `--engine milvus`, and the engine is {self.engine}")

    @classmethod
    def asked(
        cls, engine: str, milvus: str | None, collection: str | None, environment: Mapping[str, str] = os.environ
    ) -> Self:
        """What the command line asks for.

        ``TANDEM_MILVUS`` stands for an address that is not given; by itself it asks for nothing.

        Raises:
            ValueError: A value is not allowed, also of the environment that a Milvus is described by.
        """
        if engine != "milvus":
            return cls(engine, milvus, collection)
        made = cls(engine, milvus or environment.get(MILVUS), collection)
        # The models would refuse it too, but only when they are loaded.
        from ensemble.index.milvus.options import MilvusOptions

        MilvusOptions.asked({**environment, **made.environment(None)})
        return made

    @property
    def in_milvus(self) -> bool:
        """Whether no index is held here."""
        return self.engine == "milvus"

    @property
    def shown(self) -> str | None:
        """The address of Milvus as it may be told; None where another engine searches."""
        if self.milvus is None:
            return None
        from ensemble.index.milvus.options import MilvusOptions

        return MilvusOptions(self.milvus).shown

    @property
    def cold(self) -> tuple[str, ...]:
        """Models that cannot be warmed up: a Milvus may be away when a server starts."""
        return ("retrieve",) if self.in_milvus else ()

    def environment(self, store: Path | None) -> dict[str, str]:
        """Variables for the server.

        Args:
            store: Where kernels, once compiled and tuned for this machine's GPU, are kept; None for nowhere.
        """
        variables = {ENGINE: self.engine}
        if self.milvus is not None:
            variables[MILVUS] = self.milvus
        if self.collection is not None:
            variables[MILVUS_COLLECTION] = self.collection
        if store is not None:
            variables |= {CACHE: str(store / "cache"), KERNELS: str(store / "cache" / "kernels")}
        return variables
