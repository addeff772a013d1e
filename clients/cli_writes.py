"""The commands that write to the catalogue. What they report as done is durable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from clients.cli_inputs import read_object
from clients.cli_shared import DEFAULT_URL, AsJson, Image, TimeoutS, Url, mistakes_told
from clients.client import TIMEOUT_S, Client
from clients.errors import BadInput
from clients.values import KEEP, Attribute, Deleted, Patch, Written

Id = Annotated[str, typer.Argument(metavar="ID", help="The product's id.")]


def upsert(
    *,
    product: Annotated[str, typer.Option("--product", "-p", metavar="FILE.json", help="The product; - for stdin.")],
    image: Image = None,
    url: Url = DEFAULT_URL,
    timeout_s: TimeoutS = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Put a product into the catalogue, new or in place of the one with its id.

    Example: echo '{"id": "M1", "title": "Red mug", "price": 9.5}' | python -m clients upsert --product -
    """
    with mistakes_told(), Client(url, timeout_s=timeout_s) as client:
        _tell(client.upsert(read_object("--product", product), image), as_json=as_json)


def patch(  # noqa: PLR0913 - one argument an option
    product_id: Id,
    *,
    price: Annotated[float | None, typer.Option(metavar="PRICE", help="Its new price.")] = None,
    available: Annotated[
        bool | None, typer.Option("--available/--unavailable", help="Whether it can be bought.", show_default=False)
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An attribute to set, as in colour=red.")
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="NAME", help="An attribute to remove.")] = None,
    url: Url = DEFAULT_URL,
    timeout_s: TimeoutS = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Change price, availability or attributes of a product; its vectors stay as they are."""
    with mistakes_told(), Client(url, timeout_s=timeout_s) as client:
        attributes = read_attributes(attribute or []) | dict.fromkeys(remove or [])
        wanted = Patch(
            product_id, KEEP if price is None else price, KEEP if available is None else available, attributes
        )
        _tell(client.patch_many([wanted])[0], as_json=as_json)


def delete(product_id: Id, *, url: Url = DEFAULT_URL, timeout_s: TimeoutS = TIMEOUT_S, as_json: AsJson = False) -> None:
    """Delete a product; not an error where there is none."""
    with mistakes_told(), Client(url, timeout_s=timeout_s) as client:
        _tell(client.delete(product_id), as_json=as_json)


def read_attributes(told: Sequence[str]) -> dict[str, Attribute | None]:
    """Read ``NAME=VALUE``: a value that is a number, true or false, or a string in quotes is read as JSON.

    >>> read_attributes(["colour=red", "weight=350", "new=true", 'size="42"'])
    {'colour': 'red', 'weight': 350, 'new': True, 'size': '42'}

    Raises:
        BadInput: No name, or no sign of equality.
    """
    attributes: dict[str, Attribute | None] = {}
    for each in told:
        name, sign, value = each.partition("=")
        if not name or not sign:
            raise BadInput(f"--attribute: {each!r}; allowed: NAME=VALUE, as in colour=red")
        attributes[name] = _value(value)
    return attributes


def _value(text: str) -> Attribute:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str | int | float) else text


def _tell(done: Written | Deleted, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(done.to_dict()))
    elif isinstance(done, Written):
        typer.echo(f"{done.id} is written, journal {done.seq}")
    else:
        typer.echo(f"{'deleted' if done.found else 'there was no such product'}, journal {done.seq}")
