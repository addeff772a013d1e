"""An answer as a table for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from clients.recommendations import Recommendations
from clients.values import Answer, Result

NUMBERS, WORDS = ("", "score", "price"), ("id", "title", "category")


def answer_table(answer: Answer) -> Table:
    """One line a product, best first."""
    rows = [_cells(rank, result) for rank, result in enumerate(answer.results, start=1)]
    return _table(WORDS, rows, f"release {answer.release}, journal {answer.seq}")


def recommendations_table(answer: Recommendations) -> Table:
    """One line a product, with the rule that put it there; below, why it is not what the task alone would give."""
    rows = [(*_cells(rank, hit), hit.rule) for rank, hit in enumerate(answer.hits, start=1)]
    facts = f"release {answer.release}, journal {answer.seq}"
    return _table((*WORDS, "rule"), rows, f"{answer.reason}\n{facts}" if answer.reason else facts)


def price_text(price: float | None) -> str:
    """A price with two decimals, or nothing where there is none."""
    return "" if price is None else f"{price:,.2f}"


def _table(words: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, caption=Text(caption), caption_justify="left",
        title=None if rows else "nothing found",
    )  # fmt: skip
    for heading in NUMBERS:
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in words:
        table.add_column(heading, no_wrap=heading != "title", min_width=20 if heading == "title" else None)
    for cells in rows:
        table.add_row(*map(Text, cells))
    return table


def _cells(rank: int, result: Result) -> tuple[str, ...]:
    title = f"{result.title} (not available)" if result.available is False else result.title
    return str(rank), f"{result.score:.4f}", price_text(result.price), result.id, title, result.category
