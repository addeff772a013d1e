"""What shoppers of the sample buy together: groups of the catalogue and their companions."""

from __future__ import annotations

from typing import Final

# Read as: who buys one of the left often takes one of the right along. It holds in both directions.
_TOGETHER: Final[dict[str, tuple[str, ...]]] = {
    "Mugs": ("Teapots", "Plates", "Bowls"),
    "Plates": ("Bowls", "Jars"),
    "Pans": ("Jars", "Plates"),
    "Bottles": ("Backpacks", "Towels"),
    "Vases": ("Plants", "Candles", "Tables"),
    "Clocks": ("Frames", "Shelves"),
    "Candles": ("Lanterns", "Frames"),
    "Cushions": ("Sofas", "Chairs"),
    "Plants": ("Shelves", "Pendants"),
    "Table lamps": ("Drawers", "Books"),
    "Floor lamps": ("Sofas",),
    "Pendants": ("Tables",),
    "Chairs": ("Tables", "Stools"),
    "T-shirts": ("Trousers", "Trainers", "Caps"),
    "Jumpers": ("Scarves", "Trousers", "Boots"),
    "Dresses": ("High heels", "Handbags", "Sunglasses"),
    "Skirts": ("High heels", "T-shirts"),
    "Scarves": ("Hats",),
    "Socks": ("Trainers", "Boots"),
    "Sandals": ("Sunglasses", "Towels", "Hats"),
    "Trainers": ("Balls", "Backpacks"),
    "Umbrellas": ("Boots",),
    "Watches": ("Handbags",),
    "Guitars": ("Drums", "Stools"),
    "Balls": ("Kites",),
    "Plush toys": ("Books", "Kites"),
}


def companions(groups: frozenset[str]) -> dict[str, tuple[str, ...]]:
    """Companions of each of these groups, in both directions, each once and sorted; groups without any are left out."""
    found: dict[str, set[str]] = {}
    for one, others in _TOGETHER.items():
        for other in others:
            if one in groups and other in groups:
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
    return {group: tuple(sorted(others)) for group, others in found.items()}
