"""A contact sheet of recommendations: what was asked about, and what goes with it by which rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from clients.pictures import open_picture, product_picture
from clients.recommendations import Recommend, Recommendations
from clients.sheet import (
    COLUMNS,
    FAINT,
    GAP,
    INK,
    MARGIN,
    MOST_CARDS,
    PAPER,
    PICTURE,
    SCALE,
    WIDTH,
    card,
    facts_text,
    font,
    grid,
    wrap,
)
from clients.values import Result

MOST_ASKED = COLUMNS
"""So many products of a question are shown; of more, their number."""
TITLE, LABEL = 96 * SCALE, 34 * SCALE


def recommendations_sheet(
    query: Recommend, asked: Sequence[Result], answer: Recommendations, images: Path
) -> Image.Image:
    """The task on top, then what was asked about, then a card for each recommendation with its rule.

    Args:
        query: What was asked.
        asked: The first products of it, up to ``MOST_ASKED``; of a new product none are needed.
        answer: What was recommended.
        images: The catalogue's folder. A picture that is not there is drawn as a grey square.
    """
    cards = [
        card(str(rank), hit, product_picture(images, hit.image), f"{hit.score:.3f}", short_rule(hit.rule))
        for rank, hit in enumerate(answer.hits[:MOST_CARDS], start=1)
    ]
    return grid(_top(query, _asked_cards(query, asked, images), answer), cards)


def short_rule(rule: str) -> str:
    """A rule that fits under a picture: what a category's path loses, it loses in front."""
    name, colon, path = rule.partition(":")
    levels = path.split("/")
    while len(levels) > 1 and font(11).getlength(rule) > PICTURE:
        levels = levels[1:]
        rule = f"{name}{colon}.../{'/'.join(levels)}"
    return rule


def _asked_cards(query: Recommend, asked: Sequence[Result], images: Path) -> list[Image.Image]:
    if query.product is not None:
        price = query.product.get("price")
        shown = Result(
            "", 0.0, str(query.product.get("title", "")), price=price if isinstance(price, int | float) else None
        )
        return [card("", shown, None if query.image is None else open_picture(query.image), "new")]
    return [
        card("", result, product_picture(images, result.image), "" if weight == 1 else f"counts {weight:g}")
        for result, (_, weight) in zip(asked[:MOST_ASKED], query.weighted, strict=False)
    ]


def _top(query: Recommend, asked: Sequence[Image.Image], answer: Recommendations) -> Image.Image:
    below = LABEL - GAP  # the cards keep a gap to what is on top
    height = TITLE + below + (asked[0].height + GAP + LABEL if asked else 0)
    made = Image.new("RGB", (WIDTH - 2 * MARGIN, height), PAPER)
    draw = ImageDraw.Draw(made)
    title = f"“{query.task}” for {_count(query)}"
    draw.text((0, 2 * SCALE), wrap(title, font(22).getlength, made.width, lines=1)[0], INK, font(22))
    reason = wrap(answer.reason, font(12).getlength, made.width, lines=2)
    draw.multiline_text((0, 36 * SCALE), "\n".join(reason), INK, font(12), spacing=4 * SCALE)
    facts = facts_text(len(answer.hits), answer.release, *_knobs(query), only=query.filter)
    draw.text((0, TITLE - 4 * SCALE), facts, FAINT, font(12), anchor="ls")
    if asked:
        draw.text((0, TITLE + LABEL - 8 * SCALE), "Asked about", INK, font(14), anchor="ls")
        for place, made_card in enumerate(asked):
            made.paste(made_card, (place * (made_card.width + GAP), TITLE + LABEL))
    draw.text((0, height - 4), "Recommended", INK, font(14), anchor="ld")
    return made


def _count(query: Recommend) -> str:
    if query.product is not None:
        return "a new product"
    count = len(query.weighted)
    shown = f", {MOST_ASKED} of them shown" if count > MOST_ASKED else ""
    return {0: "nobody in particular", 1: "a product"}.get(count, f"{count} products{shown}")


def _knobs(query: Recommend) -> list[str]:
    named = ("nearest", "skip", "diversity", "per_category", "per_brand")
    return [f"{name} {value:g}" for name in named if (value := getattr(query, name)) is not None]
