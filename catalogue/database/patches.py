"""Patches: what they may change, and what a product becomes by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

from catalogue import values
from catalogue.database.checking import check_id, document_of, parse_object
from catalogue.database.values import Patch
from catalogue.errors import BadEntry, plain, shown
from catalogue.product import FIELDS, Product

PATCHABLE = ("price", "available", "attributes")
_ALLOWED = "price, available and attributes; use upsert for anything else"


def parse_patch(data: bytes | str | Mapping[str, Any]) -> Patch:
    """Read a patch: ``{"id", "price"?, "available"?, "attributes"?}``, as JSON or as plain Python.

    Raises:
        BadEntry: Lists every field that is not allowed.
    """
    fields = parse_object(data, "patch")
    if "id" not in fields:
        raise BadEntry("patch", ["id is missing; allowed: the id of a product that exists"])
    product_id = check_id(fields.pop("id"))
    return checked_patch(Patch(product_id, fields))


def checked_patch(patch: Patch) -> Patch:
    """A patch with its values as a product has them.

    Raises:
        BadEntry: Lists every field that is not allowed.
    """
    check_id(patch.id)
    problems: list[str] = []
    if not patch.changes:
        problems.append(f"nothing to change; allowed: at least one of {', '.join(PATCHABLE)}")
    changes = {}
    for name, value in patch.changes.items():
        if name not in _READERS:
            problems.append(f"{plain(name)} = {shown(value)}; allowed: {_ALLOWED}")
            continue
        try:
            changes[name] = _READERS[name](value)
        except values.Refused as refusal:
            problems.append(f"{name} = {shown(value)}; allowed: {refusal}")
    problems += _attribute_problems(changes.get("attributes", {}))
    if problems:
        raise BadEntry(f"patch of product {shown(patch.id)}", problems)
    return Patch(patch.id, changes)


def check_text_fields(patch: Patch, text_fields: Collection[str]) -> None:
    """Refuse to patch what the text of a product is made of: its vectors would tell of what it was.

    Args:
        patch: Checked.
        text_fields: Fields that some space's text is made of.

    Raises:
        BadEntry: Names them.
    """
    made_of = [name for name in patch.changes.get("attributes", {}) if name in text_fields]
    if made_of:
        problems = [
            f"attributes.{plain(name)} is part of the text that vectors are made of; use upsert" for name in made_of
        ]
        raise BadEntry(f"patch of product {shown(patch.id)}", problems)


def patched(product: Product, patch: Patch) -> tuple[Product, str]:
    """The product after a patch, and its document.

    Raises:
        BadEntry: It would become too large, or hold what no database can.
    """
    changes = dict(patch.changes)
    given = changes.pop("attributes", {})
    merged = {**product.attributes, **given}
    attributes = {name: value for name, value in merged.items() if value is not None}
    made = dataclasses.replace(product, **changes, attributes=attributes)
    return made, document_of(made)


def _attribute_problems(attributes: Mapping[str, Any]) -> list[str]:
    return [
        f"attributes.{plain(name)}; allowed: a name that is not empty and that no field of a product has"
        for name in attributes
        if name in FIELDS or not name.strip()
    ]


def _price(value: object) -> float | None:
    return None if value is None else values.price(value)


def _attributes(given: object) -> dict[str, Any]:
    """As a file's: null or empty removes one."""
    attributes: dict[str, Any] = {}
    for name, value in values.mapping(given).items():
        values.check_unicode(name)
        try:
            attributes[name] = None if values.missing(value) else values.attribute(value)
        except values.Refused as refusal:
            raise values.Refused(f"{refusal}, or null, for {plain(name)}") from None
    return attributes


_READERS: Mapping[str, Callable[[object], Any]] = {
    "price": _price,
    "available": values.flag,
    "attributes": _attributes,
}
