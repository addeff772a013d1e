"""The adapter on a few lines of the data's form, and on the data where it is at hand."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks.tasks.online_retail import online_retail
from catalogue import read_all
from training.product.events import Events

DATA = Path(os.environ.get("TANDEM_DATA", "../shared/data")) / "online_retail"
ITEMS = {
    "85123A": "WHITE HEART T-LIGHT HOLDER",
    "85123B": "CREAM HEART T-LIGHT HOLDER",
    "15056BL": "EDWARDIAN PARASOL BLACK",
    "15056bl": "edwardian parasol",
    "22423": "REGENCY CAKESTAND 3 TIER",
    "22999": "thrown away",
    "POST": "POSTAGE",
}
# Invoice, code, quantity, day of 2011, price, customer.
SALES = (
    ("1", "85123A", 6, 1, 2.5, 17850),
    ("1", "85123A", 2, 1, 3.5, 17850),
    ("1", "22423", 1, 1, 12.0, 17850),
    ("2", "15056bl", 1, 2, 5.0, None),
    ("2", "85123A", 1, 2, 9.0, None),
    ("2", "85123B", 1, 2, 0.0, None),
    ("C3", "22423", -1, 3, 12.0, 17850),
    ("4", "POST", 1, 3, 18.0, 17850),
    ("4", "22999", 5, 3, 1.0, 17850),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    items = pa.table({"StockCode": list(ITEMS), "description": list(ITEMS.values())})
    parquet.write_table(items, tmp_path / "items.parquet")
    invoice, code, quantity, day, price, customer = (list(column) for column in zip(*SALES, strict=True))
    sales = pa.table(
        {
            "InvoiceNo": invoice,
            "StockCode": code,
            "Quantity": pa.array(quantity, pa.int32()),
            "InvoiceDate": [datetime(2011, 1, one, 10) for one in day],
            "UnitPrice": pa.array(price, pa.float32()),
            "CustomerID": pa.array(customer, pa.int32()),
        }
    )
    parquet.write_table(sales, tmp_path / "transactions.parquet")
    return tmp_path


def test_sales_of_products_are_events(data: Path) -> None:
    lines = online_retail(data).events.to_pylist()
    assert [(line["basket"], line["product"], line["user"]) for line in lines] == [
        ("1", "22423", "17850"),
        ("1", "85123A", "17850"),
        ("2", "15056BL", ""),
        ("2", "85123A", ""),
    ]
    assert lines[0]["time"] == 1_293_876_000
    assert {line["kind"] for line in lines} == {"purchase"}


def test_the_catalogue_is_known_when_a_product_is(data: Path) -> None:
    by = {product["id"]: product for product in online_retail(data).catalogue}
    # The price is the median of the first day: the later 9.0 is not in it.
    assert (by["85123A"]["price"], by["85123A"]["category"]) == (3.0, "Candles/Candle holder")
    assert by["15056BL"]["title"] == "EDWARDIAN PARASOL BLACK"
    assert set(by) == {"85123A", "15056BL", "22423"}


def test_the_files_are_those_that_others_read(data: Path, tmp_path: Path) -> None:
    events, catalogue = online_retail(data).write(tmp_path / "out")
    assert len(Events.read(events)) == 4
    products = read_all(str(catalogue)).products
    assert products[1].attributes["family"] == "22423"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data at {DATA}; set TANDEM_DATA")
def test_the_real_shop() -> None:
    shop = online_retail(DATA)
    assert (len(shop.catalogue), len(shop.events)) == (3_757, 433_335)
    other = sum(product["category"].startswith("Other") for product in shop.catalogue)
    assert other < 0.01 * len(shop.catalogue)
    families = {product["attributes"]["family"] for product in shop.catalogue}
    assert 2_500 < len(families) < len(shop.catalogue)
