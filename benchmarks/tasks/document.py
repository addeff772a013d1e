"""What the report says beside the evaluation's own: of the shop, of what was tried, and of the speed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.tasks.speed_document import section

TRIED = Path(__file__).with_name("tried.md")
SPEED = "tasks_speed.json"
# What the figures are read by: no more models and slices than these.
FIGURES = ("recall_at_10", "recall_at_10_low", "recall_at_10_high", "ndcg_at_10", "mrr", "coverage", "diversity")

SHOP = """\
## The shop

UCI *Online Retail* (Chen, Sain and Guo 2012, CC BY 4.0): {baskets:,} orders of {products:,} products of a gift-ware web
shop, December 2010 to November 2011, without cancellations, gifts and what is no product. It has purchases alone, so
that *similar* is judged by products of one category that were bought together: alternatives and parts of a collection,
rather than what was looked at instead. Titles are short and in capitals; there are no pictures.

The data has no categories and no variants. Both are derived, by rules that were written from titles without looking at
sales ([categories.toml](../../benchmarks/tasks/categories.toml)): a title's head noun names one of {categories}
categories of two levels (`Storage/Tin`), and products whose stock codes differ by a letter, or whose titles differ by a
colour, are variants. A category of the truth is thus a function of the title. A price is that of a product's first day.
Two things were not to be undone: a title is the most frequent spelling over all dates, and the rules know all titles.
Profiles: [tasks.toml](../../benchmarks/tasks/tasks.toml)."""

AGAIN = """\
## Again

    make bench-tasks

writes this page. The same figures, step by step, in a folder of one's own:

    python -m benchmarks.tasks.online_retail --data ../shared/data/online_retail --out var/shop
    python -m export evaluate-tasks --events var/shop/events.parquet --catalogue var/shop/catalogue.jsonl \\
        --split {split} --tasks benchmarks/tasks/tasks.toml --epochs {epochs} --out var/tasks

A shop's own files do as well. All seeds are fixed. Figures: [tasks.json](tasks.json)."""


def sections(facts: dict[str, Any], categories: int, split: str, store: Path) -> list[str]:
    """Further sections of the report, in their order.

    Args:
        facts: Of the evaluation.
        categories: How many there are.
        split: The day.
        store: Where figures of the speed are, where it was measured.
    """
    shop = SHOP.format(baskets=sum(facts["baskets"].values()), products=facts["products"], categories=categories)
    told = [shop, TRIED.read_text("utf-8")]
    speed = store / "bench" / SPEED
    if speed.is_file():
        told.append(section(json.loads(speed.read_text("utf-8"))))
    return [*told, AGAIN.format(split=split, epochs=facts["recipe"]["epochs"])]


def figures(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as ``var/bench/tasks.json`` has them."""
    return [{name: row[name] for name in ("task", "model", "slice", *FIGURES)} for row in rows]
