"""A contact sheet: the query, and the pictures of what was found. Drawn at twice the size, for sharp screens."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from clients.errors import BadInput
from clients.pictures import fit, open_picture, product_picture
from clients.table import price_text
from clients.values import Answer, Query, Result

SCALE = 2
COLUMNS = 5
MOST_CARDS = 60
MARGIN, GAP, PAD = 24 * SCALE, 14 * SCALE, 9 * SCALE
PICTURE = 150 * SCALE
CARD = (PICTURE + 2 * PAD, PICTURE + 2 * PAD + 64 * SCALE)
WIDTH = 2 * MARGIN + COLUMNS * CARD[0] + (COLUMNS - 1) * GAP
HEADER = 96 * SCALE
PAPER, SHADE, INK, FAINT, PRICE, BORDER = "#f5f4f1", "#ebeae6", "#1f2328", "#737a85", "#0b6e4f", "#dcdad4"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def write_sheet(path: Path, query: Query, answer: Answer, images: Path) -> None:
    """Draw a contact sheet and write it.

    Raises:
        BadInput: ``path`` cannot be written, or its ending names no picture format.
    """
    try:
        contact_sheet(query, answer, images).save(path)
    except (OSError, ValueError) as error:
        raise BadInput(f"--sheet: cannot write {str(path)!r}: {error}") from None


def contact_sheet(query: Query, answer: Answer, images: Path) -> Image.Image:
    """The query on top, below it a card for each product, best first, up to ``MOST_CARDS``.

    Args:
        query: What was asked.
        answer: What was found.
        images: The catalogue's folder. A picture that is not there is drawn as a grey square.
    """
    shown = answer.results[:MOST_CARDS]
    rows = -(-len(shown) // COLUMNS)
    sheet = Image.new("RGB", (WIDTH, 2 * MARGIN + HEADER + rows * (CARD[1] + GAP)), PAPER)
    sheet.paste(header(query, answer), (MARGIN, MARGIN))
    for place, result in enumerate(shown):
        row, column = divmod(place, COLUMNS)
        at = (MARGIN + column * (CARD[0] + GAP), MARGIN + HEADER + GAP + row * (CARD[1] + GAP))
        sheet.paste(card(place + 1, result, images), at)
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
    draw.text((left, HEADER - 4 * SCALE), _facts(query, answer), FAINT, font(12), anchor="ls")
    return made


def _facts(query: Query, answer: Answer) -> str:
    facts = [f"{len(answer.results)} products, release {answer.release}"]
    if query.weights is not None:
        facts.append("text {:g}, photo {:g}".format(*query.weights))
    if query.filter is not None:
        facts.append(textwrap.shorten(f"only {query.filter!s}", 90))
    return "   |   ".join(facts)


def card(rank: int, result: Result, images: Path) -> Image.Image:
    """One product: its picture, title, price and score."""
    made = Image.new("RGB", CARD, "white")
    draw = ImageDraw.Draw(made)
    made.paste(fit(product_picture(images, result.image), PICTURE, SHADE), (PAD, PAD))
    draw.rectangle((0, 0, CARD[0] - 1, CARD[1] - 1), outline=BORDER, width=SCALE)
    badge = (PAD, PAD, PAD + 20 * SCALE, PAD + 18 * SCALE)
    draw.rectangle(badge, fill=INK)
    draw.text(((badge[0] + badge[2]) / 2, (badge[1] + badge[3]) / 2), str(rank), "white", font(11), anchor="mm")
    lines = wrap(result.title or result.id, font(13).getlength, PICTURE, lines=2)
    draw.multiline_text((PAD, PICTURE + 2 * PAD - 2 * SCALE), "\n".join(lines), INK, font(13), spacing=3 * SCALE)
    draw.text((PAD, CARD[1] - PAD), price_text(result.price), PRICE, font(14), anchor="ls")
    draw.text((CARD[0] - PAD, CARD[1] - PAD), f"{result.score:.3f}", FAINT, font(12), anchor="rs")
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
