"""Which engine is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from ensemble.variables import CACHE, ENGINE

# Of an index that is held here. ``milvus``, whose index is not, is opened by ``ensemble.searching_milvus``.
EngineName = Literal["auto", "cpu", "exact", "ann", "gpu", "gpu-int8"]

MOST_ROWS = 64
MOST_K = 1_000


@dataclass(frozen=True)
class EngineChoice:
    """An engine, and what it is made ready for before the first search.

    Args:
        name: ``cpu`` is the engine of main memory that a snapshot was written for: ``exact`` for a small one, else
            ``ann``. ``gpu`` scans float16 rows on the GPU, ``gpu-int8`` rows of 8 bits. ``auto`` is ``gpu`` where
            there is one that can be used, else ``cpu``.
        cache: Folder in which what was compiled and tuned for a GPU is kept; None to do so anew each time.
        most_rows: The most rows of a batch.
        most_k: The most hits that a query may want.
    """

    name: EngineName = "cpu"
    cache: Path | None = None
    most_rows: int = MOST_ROWS
    most_k: int = MOST_K

    def __post_init__(self) -> None:
        if self.name not in get_args(EngineName):
            raise ValueError(f"`name` must be one of {', '.join(get_args(EngineName))}, got {self.name!r}")
        for field in ("most_rows", "most_k"):
            if getattr(self, field) < 1:
                raise ValueError(f"`{field}` must be at least 1, got {getattr(self, field)}")

    @classmethod
    def asked(cls, environment: Mapping[str, str]) -> EngineChoice:
        """What the environment of a server asks for: ``TANDEM_ENGINE``, ``auto`` if absent, and ``TANDEM_CACHE``.

        Raises:
            ValueError: There is no such engine.
        """
        cache, name = environment.get(CACHE), environment.get(ENGINE) or "auto"
        if name not in get_args(EngineName):
            raise ValueError(f"{ENGINE} must be one of {', '.join(get_args(EngineName))}, milvus, got {name!r}")
        return cls(cast("EngineName", name), Path(cache) if cache else None)

    @property
    def on_gpu(self) -> bool:
        """Whether nothing but a GPU will do."""
        return self.name in {"gpu", "gpu-int8"}


CPU = EngineChoice()
