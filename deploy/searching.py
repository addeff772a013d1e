"""What searches the index: told to the models by the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

# Read by ``retrieve``.
ENGINE = "TANDEM_ENGINE"
CACHE = "TANDEM_CACHE"
MILVUS = "TANDEM_MILVUS"
# Read by the compiler of GPU kernels.
KERNELS = "TRITON_CACHE_DIR"
VARIABLES = (ENGINE, CACHE, MILVUS, KERNELS)

EngineName = Literal["auto", "cpu", "gpu", "gpu-int8", "milvus"]


@dataclass(frozen=True)
class Searching:
    """The engine that ``retrieve`` is asked for.

    Args:
        engine: ``auto`` is the GPU where there is one that can be used, else main memory.
        milvus: Where Milvus is, for the engine ``milvus``.
    """

    engine: str = "auto"
    milvus: str | None = None

    def __post_init__(self) -> None:
        if self.engine not in get_args(EngineName):
            raise ValueError(f"`--engine` must be one of {', '.join(get_args(EngineName))}, got {self.engine!r}")
        if (self.engine == "milvus") != (self.milvus is not None):
            raise ValueError("`--engine milvus` and `--milvus URI` belong together: give both or neither")

    def environment(self, store: Path | None) -> dict[str, str]:
        """Variables for the server.

        Args:
            store: Where kernels, once compiled and tuned for this machine's GPU, are kept; None for nowhere.
        """
        variables = {ENGINE: self.engine}
        if self.milvus is not None:
            variables[MILVUS] = self.milvus
        if store is not None:
            variables |= {CACHE: str(store / "cache"), KERNELS: str(store / "cache" / "kernels")}
        return variables
