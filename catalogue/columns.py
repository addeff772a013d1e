"""Which column of a catalogue file holds which field of a product.

    [columns]
    id = "sku"
    title = "name"
    category = "category_path"

    [columns.attributes]
    color = "colour"                                   # the value as the file has it (text, in a CSV file)
    weight = { column = "weight_g", type = "number" }

A field that is not mapped is read from the column of its own name.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from catalogue.errors import BadColumns, shown
from catalogue.product import FIELDS

AttributeType = Literal["any", "text", "number", "flag"]


@dataclass(frozen=True)
class AttributeColumn:
    """Where an attribute comes from.

    Args:
        column: Column of the file.
        type: What its values are read as; ``any`` takes them as the file has them.
    """

    column: str
    type: AttributeType = "any"


@dataclass(frozen=True)
class Columns:
    """Column of each field; the default is the field's own name.

    Args:
        fields: Column of each field of ``Product``; ``attributes`` may name a column that holds a mapping.
        attributes: Attributes that have a column of their own.
        mapped: Fields that the mapping names itself: their columns must exist.
    """

    fields: Mapping[str, str] = field(default_factory=lambda: {name: name for name in FIELDS})
    attributes: Mapping[str, AttributeColumn] = field(default_factory=dict)
    mapped: frozenset[str] = frozenset()

    def named(self) -> dict[str, str]:
        """Columns that the mapping names itself, with the entry that names them."""
        fields = {self.fields[name]: f"columns.{name}" for name in self.mapped}
        return fields | {source.column: f"columns.attributes.{name}" for name, source in self.attributes.items()}

    @classmethod
    def load(cls, path: Path) -> Columns:
        """Read the ``[columns]`` table of a TOML file.

        Raises:
            BadColumns: The file cannot be read, or an entry is not allowed; lists every problem.
        """
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadColumns(str(path), [str(error)]) from error
        if "columns" not in content:
            raise BadColumns(str(path), ["[columns] is missing; add the table, see catalogue/columns.py"])
        return cls.from_table(content["columns"], source=str(path))

    @classmethod
    def from_table(cls, table: object, *, source: str) -> Columns:
        """Check a ``[columns]`` table, given as plain Python.

        Raises:
            BadColumns: Lists every entry that is not allowed.
        """
        if not isinstance(table, Mapping):
            raise BadColumns(source, [f"columns = {shown(table)}; allowed: a table"])
        entries = dict(table)
        problems: list[str] = []
        attributes: dict[str, AttributeColumn] = {}
        if isinstance(entries.get("attributes"), Mapping):
            attributes = _attributes(entries.pop("attributes"), problems)
        problems += [
            f"columns.{name} = {shown(value)}; allowed: {_what_is_allowed(name)}"
            for name, value in entries.items()
            if name not in FIELDS or not isinstance(value, str) or not value
        ]
        if problems:
            raise BadColumns(source, problems)
        return cls({name: entries.get(name, name) for name in FIELDS}, attributes, frozenset(entries))


def _what_is_allowed(name: str) -> str:
    return "the name of a column" if name in FIELDS else f"no such field; fields are {', '.join(FIELDS)}"


def _attributes(table: Mapping[str, Any], problems: list[str]) -> dict[str, AttributeColumn]:
    attributes = {}
    for name, value in table.items():
        entry = {"column": value} if isinstance(value, str) else value
        problem = _attribute_problem(name, entry)
        if problem:
            problems.append(f"columns.attributes.{name} = {shown(value)}; allowed: {problem}")
        else:
            attributes[name] = AttributeColumn(**entry)
    return attributes


def _attribute_problem(name: str, entry: object) -> str | None:
    if name in FIELDS:
        return f"a name other than the product's own fields ({', '.join(FIELDS)})"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("column"), str) or not entry["column"]:
        return 'the name of a column, or { column = "name", type = "text" | "number" | "flag" }'
    if set(entry) - {"column", "type"}:
        return "the keys column and type"
    if entry.get("type", "any") not in get_args(AttributeType):
        return f"a type among {', '.join(get_args(AttributeType))}"
    return None
