"""Writes the tables into ``docs/scale.md``, between marks that name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.scale import fleets, tables
from benchmarks.scale.figures import Inputs
from benchmarks.scale.model import Assumptions, Demand
from benchmarks.scale.worked import worked

DOCUMENT = Path(__file__).parents[2] / "docs" / "scale.md"
PRODUCTS = (1_000_000, 100_000_000, 1_000_000_000)
RATES = (600, 20_000)

Block = Callable[[], str]


def blocks(inputs: Inputs, assumed: Assumptions, *, dim: int, remembered: float) -> Mapping[str, Block]:
    """What makes each table, by name.

    Args:
        inputs: What was measured.
        assumed: What was not.
        dim: Length of a row in the fleets.
        remembered: Share of requests whose vector a tower's cache still has.
    """
    made: dict[str, Block] = {
        "figures": partial(tables.figures, inputs),
        "devices": tables.devices,
        "assumed": partial(tables.assumptions, assumed),
        "bytes": partial(tables.bytes_a_product, inputs, assumed),
        "products": partial(tables.products_a_gpu, inputs, assumed),
        "scans": partial(tables.scans, inputs, assumed),
        "encoding": partial(fleets.encoding, RATES, inputs, assumed),
        "worked": partial(worked, inputs, assumed),
    }
    for products in PRODUCTS:
        for rate in RATES:
            demand = Demand(products, rate, dim, remembered)
            made[f"fleet {products:,} at {rate:,}"] = partial(fleets.fleet, demand, inputs, assumed)
    return made


def filled(text: str, made: Mapping[str, str]) -> str:
    """The document with new tables.

    Args:
        text: The document; each table stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``.
        made: Tables by name.

    Raises:
        ValueError: The document has no place for one.
    """
    for name, table in made.items():
        place = re.compile(rf"(?<=<!-- {re.escape(name)} -->\n).*?(?=<!-- /{re.escape(name)} -->)", re.DOTALL)
        found = place.findall(text)
        if len(found) != 1:
            raise ValueError(f"{name}: {len(found)} places between <!-- {name} --> and <!-- /{name} -->; 1 is needed")
        text = text.replace(f"<!-- {name} -->\n{found[0]}", f"<!-- {name} -->\n\n{table}\n")
    return text
