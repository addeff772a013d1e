"""``[gate]`` of ``towers.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from export.gate.bounds import bounds_for
from export.gate.neighbours import MIN_PRODUCTS
from export.gate.trial import MIN_INPUTS, Limits
from export.gate.values import MAX_BATCH_DISTANCE, Bounds
from export.precision.candidates import PRECISIONS
from export.tables import ExistingPath, Table

Share = Annotated[float, Field(gt=0, le=1)]


class BoundsTable(Table):
    """``[gate.fp16]`` and its like: the bounds that go before the defaults."""

    cosine_mean: Share | None = None
    cosine_p01: Share | None = None
    cosine_min: Share | None = None
    recall_at_10: Share | None = None
    recall_at_100: Share | None = None
    batch_distance: Annotated[float, Field(gt=0, le=MAX_BATCH_DISTANCE)] | None = None
    labelled_drop: Annotated[float, Field(ge=0, lt=1)] | None = None


class GateTable(Table):
    """``[gate]``."""

    queries: ExistingPath | None = None
    products: Annotated[int, Field(ge=MIN_PRODUCTS, le=100_000)] = 2000
    held_out: Annotated[int, Field(ge=MIN_INPUTS, le=10_000)] = 256
    fp32: BoundsTable = BoundsTable()
    fp16: BoundsTable = BoundsTable()
    int8: BoundsTable = BoundsTable()

    @property
    def limits(self) -> Limits:
        """How much is judged."""
        return Limits(self.products, self.held_out)

    @property
    def bounds(self) -> Mapping[str, Bounds]:
        """Bounds by precision: those of the table, the defaults for the others."""
        return {name: bounds_for(name, getattr(self, name).model_dump(exclude_none=True)) for name in PRECISIONS}
