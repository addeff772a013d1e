"""A row's cells to a product, or every reason why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from catalogue import values
from catalogue.columns import AttributeColumn, Columns
from catalogue.errors import BadRow, shown
from catalogue.formats import Cells
from catalogue.product import FIELDS, MAX_ID_CHARS, Attribute, Product

CONVERTERS: Mapping[str, Callable[[object], Any]] = {
    "id": values.identifier,
    "title": values.text,
    "category": values.category,
    "price": values.price,
    "available": values.flag,
    "image": values.text,
}


def product(number: int, cells: Cells, columns: Columns) -> Product | list[BadRow]:
    """Make a product of a row, or list every problem of it."""
    problems: list[BadRow] = []
    fields: dict[str, Any] = {}
    for name, convert in CONVERTERS.items():
        value = cells.get(columns.fields[name])
        if values.missing(value):
            if name in ("id", "title"):
                problems.append(BadRow(number, name, shown(value), _needed(name, columns, cells)))
            continue
        try:
            fields[name] = convert(value)
        except values.Refused as refusal:
            problems.append(BadRow(number, name, shown(value), str(refusal)))
    if len(fields.get("id", "")) > MAX_ID_CHARS:
        problems.append(BadRow(number, "id", shown(fields["id"]), f"at most {MAX_ID_CHARS} characters"))
    attributes = _attributes(number, cells, columns, problems)
    return problems or Product(**fields, attributes=attributes)


def _needed(name: str, columns: Columns, cells: Cells) -> str:
    column = columns.fields[name]
    if column in cells:
        return f"a {name} that is not empty, in column {column!r}"
    return f"a column {column!r}, or [columns] {name} = one of {', '.join(map(repr, cells))}"


def _attributes(number: int, cells: Cells, columns: Columns, problems: list[BadRow]) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    for name, (value, source) in _raw_attributes(number, cells, columns, problems).items():
        if values.missing(value):
            continue
        if name in FIELDS:
            problems.append(BadRow(number, f"attributes.{name}", shown(value), "a name that no field has"))
            continue
        if not name.strip():
            problems.append(BadRow(number, "attributes", shown(name), "a name that is not empty"))
            continue
        try:
            values.check_unicode(name)
        except values.Refused as refusal:
            problems.append(BadRow(number, "attributes", shown(name), f"a name of {refusal}"))
            continue
        try:
            attributes[name] = values.attribute(value, source.type)
        except values.Refused as refusal:
            problems.append(BadRow(number, f"attributes.{name}", shown(value), str(refusal)))
    return attributes


def _raw_attributes(
    number: int, cells: Cells, columns: Columns, problems: list[BadRow]
) -> dict[str, tuple[Any, AttributeColumn]]:
    """Attributes of the mapping column, overlaid by those with a column of their own."""
    column = columns.fields["attributes"]
    pairs: Mapping[str, Any] = {}
    if not values.missing(cells.get(column)):
        try:
            pairs = values.mapping(cells[column])
        except values.Refused as refusal:
            problems.append(BadRow(number, "attributes", shown(cells[column]), str(refusal)))
    own = {name: (cells.get(source.column), source) for name, source in columns.attributes.items()}
    return {name: (value, AttributeColumn(column)) for name, value in pairs.items()} | own
