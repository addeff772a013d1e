"""``[engine]`` of ``towers.toml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from export.tables import Table


class EngineTable(Table):
    """How engines are built; see ``export.engines.options``."""

    workspace_gib: Annotated[float, Field(gt=0, le=1024)] = 4
    hardware_compatibility: Literal["none", "ampere_plus", "same_compute_capability"] = "none"
    version_compatible: bool = False
    refit: bool = False
    optimization_level: Annotated[int, Field(ge=0, le=5)] = 3
