"""The gift-ware web shop of UCI *Online Retail* as a catalogue and a file of events.

The data (Chen, Sain and Guo 2012, CC BY 4.0) has purchases with prices and customers, and one title a product; it has
no categories, no variants and no views. Categories and variants are derived from titles and stock codes by rules
written down in ``categories.toml``. A price is the median of the day a product was first sold, so it is known when the
product is; nothing else of the catalogue comes from sales.

    python -m benchmarks.tasks.online_retail --data ../shared/data/online_retail --out FOLDER
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray

from benchmarks.tasks.categories import CategoryRules, categories
from benchmarks.tasks.families import families

EVENTS = "events.parquet"
CATALOGUE = "catalogue.jsonl"
PRODUCT_CODE = re.compile(r"\d{5}[A-Z]{0,2}|DCGS\w+")
# Notes of the warehouse that stand where a title should.
NO_TITLE = re.compile(
    r"thrown? away|destroyed|damages|adjust|ebay|carriage|found by|high resolution|packing charge", re.I
)
DAY_S = 86_400


@dataclass(frozen=True)
class Shop:
    """A shop's products and purchases.

    Args:
        events: Table of ``basket``, ``product``, ``time`` (unix seconds), ``kind``, ``user`` ("" where unknown).
        catalogue: Products as a catalogue file has them.
    """

    events: pa.Table
    catalogue: list[dict[str, Any]]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Writes both files and returns their paths, the events' first."""
        folder.mkdir(parents=True, exist_ok=True)
        events, catalogue = folder / EVENTS, folder / CATALOGUE
        pq.write_table(self.events, events, compression="zstd")
        catalogue.write_text("".join(json.dumps(one) + "\n" for one in self.catalogue), "utf-8")
        return events, catalogue


def online_retail(data: Path, rules: CategoryRules | None = None) -> Shop:
    """Reads the data, without cancellations, gifts for nothing, and what is no product.

    Args:
        data: Folder with ``transactions.parquet`` and ``items.parquet``.
        rules: Of categories; ``categories.toml`` without.
    """
    titles = _titles(data / "items.parquet")
    sales = _sales(data / "transactions.parquet", titles)
    return Shop(_events(sales), _catalogue(sales, titles, rules or CategoryRules.load()))


def _titles(path: Path) -> dict[str, str]:
    items = pq.read_table(path, columns=["StockCode", "description"]).to_pylist()
    # "15056bl" and "15056BL" are one product: the later line, in the case of most codes, is not the better one.
    named = {item["StockCode"].upper(): " ".join(item["description"].split()) for item in reversed(items)}
    return {code: title for code, title in named.items() if PRODUCT_CODE.fullmatch(code) and not NO_TITLE.search(title)}


def _sales(path: Path, titles: dict[str, str]) -> pa.Table:
    table = pq.read_table(path)
    table = table.set_column(
        table.schema.get_field_index("StockCode"), "StockCode", pc.utf8_upper(table["StockCode"].cast(pa.string()))
    )
    sold = pc.and_(pc.greater(table["Quantity"], 0), pc.greater(table["UnitPrice"], 0))
    product = pc.is_in(table["StockCode"], value_set=pa.array(sorted(titles)))
    cancelled = pc.starts_with(table["InvoiceNo"].cast(pa.string()), "C")
    return table.filter(pc.and_(pc.and_(sold, product), pc.invert(cancelled)))


def _events(sales: pa.Table) -> pa.Table:
    time = sales["InvoiceDate"].cast(pa.timestamp("s"), safe=False).cast(pa.int64())
    user = pc.fill_null(sales["CustomerID"].cast(pa.string()), "")
    lines = pa.table({"basket": sales["InvoiceNo"], "product": sales["StockCode"], "time": time, "user": user})
    once = lines.group_by(["basket", "product"]).aggregate([("time", "min"), ("user", "min")])
    once = once.rename_columns(["basket", "product", "time", "user"])
    once = once.append_column("kind", pa.array(["purchase"] * len(once)))
    return once.sort_by([("time", "ascending"), ("basket", "ascending"), ("product", "ascending")])


def _catalogue(sales: pa.Table, titles: dict[str, str], rules: CategoryRules) -> list[dict[str, Any]]:
    prices = _first_prices(sales)
    sold = {code: titles[code] for code in sorted(prices)}
    paths = categories(list(sold.values()), rules)
    family = families(sold, rules.colours)
    return [
        {"id": code, "title": title, "category": path, "price": prices[code], "attributes": {"family": family[code]}}
        for (code, title), path in zip(sold.items(), paths, strict=True)
    ]


def _first_prices(sales: pa.Table) -> dict[str, float]:
    codes = np.array(sales["StockCode"].to_pylist())
    prices = sales["UnitPrice"].to_numpy().astype(np.float64)
    days: NDArray[np.int64] = (
        sales["InvoiceDate"].cast(pa.timestamp("s"), safe=False).cast(pa.int64()).to_numpy() // DAY_S
    )
    order = np.lexsort((days, codes))
    starts = np.flatnonzero(np.r_[True, codes[order][1:] != codes[order][:-1]])
    return {
        str(codes[lines[0]]): round(float(np.median(prices[lines][days[lines] == days[lines[0]]])), 2)
        for lines in np.split(order, starts[1:])
    }


def main(
    data: Annotated[Path, typer.Option(help="Folder with transactions.parquet and items.parquet.")],
    out: Annotated[Path, typer.Option(help="Where events.parquet and catalogue.jsonl are written.")],
) -> None:
    """Write the shop's events and catalogue."""
    for path in online_retail(data).write(out):
        typer.echo(path)


if __name__ == "__main__":
    typer.run(main)
