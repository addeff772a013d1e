"""A contact sheet: the query, and the pictures of what was found. Drawn at twice the size, for sharp screens."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from clients.errors import BadInput
from clients.pictures import fit, open_picture, product_picture
from clients.table import price_text
from clients.values import Answer, Filter, Query, Result

SCALE = 2
COLUMNS = 5
MOST_CARDS = 60
MARGIN, GAP, PAD = 24 * SCALE, 14 * SCALE, 9 * SCALE
PICTURE = 150 * SCALE
CARD = (PICTURE + 2 * PAD, PICTURE + 2 * PAD + 64 * SCALE)
RULE = 16 * SCALE
WIDTH = 2 * MARGIN + COLUMNS * CARD[0] + (COLUMNS - 1) * GAP
HEADER = 96 * SCALE
PAPER, SHADE, INK, FAINT, PRICE, BORDER = "#f5f4f1", "#ebeae6", "#1f2328", "#737a85", "#0b6e4f", "#dcdad4"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write_sheet(path: Path, sheet: Image.Image) -> None:
    """Write a contact sheet.

    Raises:
        BadInput: ``path`` cannot be written, or its ending names no picture format.
    """
    try:
        sheet.save(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"--sheet: cannot write {str(path)!r}: {error}") from None


def contact_sheet(query: Query, answer: Answer, images: Path) -> Image.Image:
    """The query on top, below it a card for each product, best first, up to ``MOST_CARDS``.

    Args:
        query: What was asked.
        answer: What was found.
        images: The catalogue's folder. A picture that is not there is drawn as a grey square.
    """
    cards = [
        card(str(rank), result, product_picture(images, result.image), f"{result.score:.3f}")
        for rank, result in enumerate(answer.results[:MOST_CARDS], start=1)
    ]
    return grid(header(query, answer), cards)


def grid(top: Image.Image, cards: Sequence[Image.Image]) -> Image.Image:
    """A sheet: something as wide as it on top, below it cards of one size, ``COLUMNS`` a row."""
    step = (cards[0].height if cards else 0) + GAP
    rows = -(-len(cards) // COLUMNS)
    sheet = Image.new("RGB", (WIDTH, 2 * MARGIN + top.height + rows * step), PAPER)
    sheet.paste(top, (MARGIN, MARGIN))
    for place, made in enumerate(cards):
        row, column = divmod(place, COLUMNS)
        sheet.paste(made, (MARGIN + column * (made.width + GAP), MARGIN + top.height + GAP + row * step))
    return sheet


def header(query: Query, answer: Answer) -> Image.Image:
    """The photo and the words of a query, and what kind of answer it got."""
    made = Image.new("RGB", (WIDTH - 2 * MARGIN, HEADER), PAPER)
    draw = ImageDraw.Draw(made)
    left = 0
    if query.image is not None:
        photo = fit(open_picture(query.image), HEADER, SHADE)
        made.paste(photo, (0, 0))
        draw.rectangle((0, 0, photo.width - 1, photo.height - 1), outline=BORDER, width=SCALE)
        left = photo.width + 16 * SCALE
    text = query.text.decode("utf-8", "replace") if isinstance(query.text, bytes) else query.text
    title = f"“{text}”" if text is not None else "Products like this photo"
    lines = wrap(title, font(22).getlength, made.width - left, lines=2)
    draw.multiline_text((left, 2 * SCALE), "\n".join(lines), INK, font(22), spacing=6 * SCALE)
    weights = () if query.weights is None else ("text {:g}, photo {:g}".format(*query.weights),)
    facts = facts_text(len(answer.results), answer.release, *weights, only=query.filter)
    draw.text((left, HEADER - 4 * SCALE), facts, FAINT, font(12), anchor="ls")
    return made


def facts_text(found: int, release: int, *more: str, only: Filter | None) -> str:
    """How many products from which release, and under which conditions."""
    facts = [f"{found} products, release {release}", *more]
    if only is not None:
        facts.append(textwrap.shorten(f"only {only!s}", 90))
    return "   |   ".join(facts)


def card(badge: str, result: Result, picture: Image.Image | None, right: str, rule: str | None = None) -> Image.Image:
    """One product: its picture, title and price.

    Args:
        badge: What stands in the picture's corner; nothing where it is empty.
        result: The product.
        picture: Its picture.
        right: What stands beside the price.
        rule: What put it there, under the picture; None for a card without such a line.
    """
    made = Image.new("RGB", (CARD[0], CARD[1] + (0 if rule is None else RULE)), "white")
    draw = ImageDraw.Draw(made)
    made.paste(fit(picture, PICTURE, SHADE), (PAD, PAD))
    draw.rectangle((0, 0, made.width - 1, made.height - 1), outline=BORDER, width=SCALE)
    if badge:
        box = (PAD, PAD, PAD + 20 * SCALE, PAD + 18 * SCALE)
        draw.rectangle(box, fill=INK)
        draw.text(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), badge, "white", font(11), anchor="mm")
    top = PICTURE + 2 * PAD - 2 * SCALE
    if rule is not None:
        draw.text((PAD, top), wrap(rule, font(11).getlength, PICTURE, lines=1)[0] if rule else "", FAINT, font(11))
        top += RULE
    lines = wrap(result.title or result.id, font(13).getlength, PICTURE, lines=2)
    draw.multiline_text((PAD, top), "\n".join(lines), INK, font(13), spacing=3 * SCALE)
    draw.text((PAD, made.height - PAD), price_text(result.price), PRICE, font(14), anchor="ls")
    draw.text((made.width - PAD, made.height - PAD), right, FAINT, font(12), anchor="rs")
    return made


def wrap(text: str, length: Callable[[str], float], width: float, *, lines: int) -> list[str]:
    """Break a text into at most ``lines`` lines of ``width``; what does not fit ends in an ellipsis.

    >>> wrap("one two three four", len, 8, lines=2)
    ['one two', 'three...']
    """
    words = text.split()
    made: list[str] = []
    while words and len(made) < lines:
        line = words.pop(0)
        while words and length(f"{line} {words[0]}") <= width:
            line = f"{line} {words.pop(0)}"
        made.append(line)
    if words:
        made[-1] += "..."
    return [_cut(line, length, width) for line in made]


def _cut(line: str, length: Callable[[str], float], width: float) -> str:
    if length(line) <= width:
        return line
    kept = line.removesuffix("...")
    while kept and length(f"{kept}...") > width:
        kept = kept[:-1]
    return f"{kept.rstrip()}..."


@cache
def font(size: int) -> Font:
    """Pillow's own font, ``size`` points high before scaling: the same on every machine."""
    return ImageFont.load_default(size * SCALE)
