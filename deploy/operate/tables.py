"""What the operator's commands show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from deploy.audit import Entry
from deploy.operate.listing import Listed

_STYLES = {"live": "bold green", "failed": "bold red", "damaged": "bold red"}
_OUTCOMES = {"done": "green", "refused": "yellow", "failed": "bold red"}


def releases_table(listed: Iterable[Listed]) -> Table:
    """A row a release."""
    table = Table()
    table.add_column("release", justify="right")
    for name in ("created", "towers"):
        table.add_column(name)
    table.add_column("products", justify="right")
    table.add_column("state")
    for one in listed:
        products = "" if one.products is None else f"{one.products:,}"
        table.add_row(str(one.number), _minute(one.created), one.towers, products, _states(one.states))
    return table


def audit_table(entries: Sequence[Entry]) -> Table:
    """A row an entry."""
    table = Table("when", "who", "what", "outcome", "told", "why")
    for entry in entries:
        outcome = Text(entry.outcome, style=_OUTCOMES.get(entry.outcome, ""))
        table.add_row(
            _minute(entry.time), Text(entry.who), Text(_action(entry)), outcome, Text(entry.told), Text(entry.why)
        )
    return table


def _action(entry: Entry) -> str:
    if entry.after is None:
        return entry.action
    return f"{entry.action} {'' if entry.before is None else f'{entry.before} '}→ {entry.after}"


def _states(states: Iterable[str]) -> Text:
    parts = [Text(state, style=_STYLES.get(state, "")) for state in states]
    return Text(", ").join(parts)


def _minute(time: str) -> str:
    """ISO 8601 as people read it: ``2026-11-21 07:19:41``."""
    return time[:19].replace("T", " ")
