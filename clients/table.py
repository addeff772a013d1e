"""An answer as a table for the terminal."""

from __future__ import annotations

from rich import box
from rich.table import Table
from rich.text import Text

from clients.values import Answer, Result


def answer_table(answer: Answer) -> Table:
    """One line a product, best first."""
    caption = f"release {answer.release}, journal {answer.seq}"
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, caption=caption, caption_justify="left")
    for heading in ("", "score", "price"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("id", no_wrap=True)
    table.add_column("title", min_width=20)
    table.add_column("category", no_wrap=True)
    for rank, result in enumerate(answer.results, start=1):
        table.add_row(*(Text(cell) for cell in _cells(rank, result)))
    if not answer.results:
        table.title = "nothing found"
    return table


def price_text(price: float | None) -> str:
    """A price with two decimals, or nothing where there is none."""
    return "" if price is None else f"{price:,.2f}"


def _cells(rank: int, result: Result) -> tuple[str, ...]:
    title = f"{result.title} (not available)" if result.available is False else result.title
    return str(rank), f"{result.score:.4f}", price_text(result.price), result.id, title, result.category
