"""The kinds of product that the shop sells: how each looks, what it is made of and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sample.paint import PATTERNS
from sample.parts import Shape
from sample.render import Finish
from sample.shapes import accessories, clothing, decor, footwear, furniture, kitchen, leisure, lighting

_ALL: Final = tuple(PATTERNS)
_FEW: Final = ("striped", "polka dot", "checked", "star print")
_BOLD: Final = ("striped", "pinstriped", "zigzag", "diamond print")


@dataclass(frozen=True)
class Kind:
    """One kind of product.

    Attributes:
        noun: as the title says it.
        category: department and group.
        shape: draws it.
        variants: adjectives, each with a shape of its own.
        materials: what it may be made of, with the finish that the material has.
        accent: the part that wears the second colour, as the title says it.
        patterns: patterns that it may wear.
        prices: lowest and highest price, EUR.
    """

    noun: str
    category: tuple[str, str]
    shape: Shape
    variants: tuple[str, ...]
    materials: tuple[tuple[str, Finish], ...]
    accent: str
    patterns: tuple[str, ...]
    prices: tuple[float, float]


_CERAMIC: Final[tuple[tuple[str, Finish], ...]] = (("ceramic", "gloss"), ("stoneware", "matt"))
_METAL: Final[tuple[tuple[str, Finish], ...]] = (("steel", "metal"), ("enamel", "gloss"))
_WOOD: Final[tuple[tuple[str, Finish], ...]] = (("wooden", "wood"), ("lacquered", "gloss"))
_CLOTH: Final[tuple[tuple[str, Finish], ...]] = (("cotton", "fabric"), ("linen", "matt"))
_KNIT: Final[tuple[tuple[str, Finish], ...]] = (("wool", "fabric"), ("cotton", "matt"))
_LEATHER: Final[tuple[tuple[str, Finish], ...]] = (("leather", "gloss"), ("canvas", "fabric"))
_PLASTIC: Final[tuple[tuple[str, Finish], ...]] = (("plastic", "gloss"), ("rubber", "matt"))

_Row = tuple[
    str, str, Shape, tuple[str, ...], tuple[tuple[str, Finish], ...], str, tuple[str, ...], tuple[float, float]
]
_SHOP: Final[dict[str, tuple[_Row, ...]]] = {
    "Kitchen": (
        ("mug", "Mugs", kitchen.mug, ("tall", "wide", "rounded"), _CERAMIC, "handle", _ALL, (6, 19)),
        ("bowl", "Bowls", kitchen.bowl, ("deep", "shallow", "flared"), _CERAMIC, "rim", _ALL, (7, 29)),
        ("teapot", "Teapots", kitchen.teapot, ("round", "tall", "squat"), _CERAMIC, "lid and handle", _ALL, (19, 59)),
        ("plate", "Plates", kitchen.plate, ("round", "oval", "square"), _CERAMIC, "rim", _ALL, (5, 24)),
        ("pan", "Pans", kitchen.pan, ("frying", "sauce", "stock"), _METAL, "handle", (), (19, 89)),
        ("storage jar", "Jars", kitchen.jar, ("tall", "wide", "small"), _CERAMIC, "lid", _ALL, (8, 32)),
        ("bottle", "Bottles", kitchen.bottle, ("slim", "sports", "wide"), _METAL, "cap", _FEW, (9, 35)),
    ),
    "Home decor": (
        ("vase", "Vases", decor.vase, ("slender", "round", "flared"), _CERAMIC, "neck ring", _ALL, (14, 79)),
        ("clock", "Clocks", decor.clock, ("wall", "square", "alarm"), _METAL, "hands", (), (15, 69)),
        ("candle", "Candles", decor.candle, ("pillar", "taper", "twin"), (("wax", "matt"),), "holder", _FEW, (5, 25)),
        ("picture frame", "Frames", decor.frame, ("portrait", "landscape", "square"), _WOOD, "mount", _FEW, (9, 45)),
        ("cushion", "Cushions", decor.cushion, ("square", "round", "long"), _CLOTH, "piping", _ALL, (12, 49)),
        ("plant pot", "Plants", decor.plant, ("leafy", "grassy", "cactus"), _CERAMIC, "rim", _ALL, (9, 49)),
    ),
    "Lighting": (
        (
            "table lamp",
            "Table lamps",
            lighting.table_lamp,
            ("conical", "drum-shaded", "domed"),
            _CLOTH,
            "base",
            _ALL,
            (25, 119),
        ),
        (
            "floor lamp",
            "Floor lamps",
            lighting.floor_lamp,
            ("conical", "drum-shaded", "domed"),
            _CLOTH,
            "stand",
            _ALL,
            (49, 199),
        ),
        (
            "pendant lamp",
            "Pendants",
            lighting.pendant,
            ("conical", "drum-shaded", "domed"),
            _METAL,
            "cap",
            _FEW,
            (29, 149),
        ),
        ("lantern", "Lanterns", lighting.lantern, ("square", "tall", "round"), _METAL, "ring", (), (15, 65)),
    ),
    "Furniture": (
        ("chair", "Chairs", furniture.chair, ("slatted", "round-backed", "straight"), _WOOD, "legs", _FEW, (49, 229)),
        ("stool", "Stools", furniture.stool, ("round", "bar", "step"), _WOOD, "legs", _FEW, (29, 129)),
        ("table", "Tables", furniture.table, ("round", "dining", "coffee"), _WOOD, "legs", (), (79, 499)),
        (
            "sofa",
            "Sofas",
            furniture.sofa,
            ("single", "two-seat", "three-seat"),
            _CLOTH,
            "throw cushion",
            _ALL,
            (299, 1499),
        ),
        ("shelf", "Shelves", furniture.shelf, ("tall", "wide", "cube"), _WOOD, "back panel", (), (59, 299)),
        (
            "chest of drawers",
            "Drawers",
            furniture.drawers,
            ("tall", "wide", "classic"),
            _WOOD,
            "knobs",
            _BOLD,
            (99, 449),
        ),
    ),
    "Clothing": (
        ("T-shirt", "T-shirts", clothing.t_shirt, ("crew-neck", "V-neck", "pocket"), _CLOTH, "trim", _ALL, (12, 39)),
        ("jumper", "Jumpers", clothing.jumper, ("crew-neck", "roll-neck", "button-up"), _KNIT, "trim", _ALL, (29, 99)),
        ("dress", "Dresses", clothing.dress, ("short", "long", "strappy"), _CLOTH, "belt", _ALL, (35, 149)),
        ("skirt", "Skirts", clothing.skirt, ("mini", "pleated", "maxi"), _CLOTH, "waistband", _ALL, (22, 79)),
        ("trousers", "Trousers", clothing.trousers, ("slim", "wide-leg", "short"), _CLOTH, "waistband", _ALL, (29, 99)),
        ("scarf", "Scarves", clothing.scarf, ("looped", "long", "short"), _KNIT, "fringe", _ALL, (14, 59)),
        ("socks", "Socks", clothing.sock, ("ankle", "crew", "knee"), _KNIT, "heels and toes", _ALL, (5, 19)),
    ),
    "Footwear": (
        ("trainer", "Trainers", footwear.trainer, ("low", "high-top", "slip-on"), _LEATHER, "sole", _FEW, (45, 139)),
        ("boot", "Boots", footwear.boot, ("ankle", "knee-high", "rain"), _LEATHER, "sole and cuff", _FEW, (55, 189)),
        ("high heel", "High heels", footwear.heel, ("pointed", "block", "open-toe"), _LEATHER, "heel", _FEW, (49, 159)),
        ("sandals", "Sandals", footwear.sandal, ("flip-flop", "slide", "strap"), _PLASTIC, "soles", _FEW, (12, 69)),
    ),
    "Accessories": (
        ("hat", "Hats", accessories.hat, ("wide-brim", "bucket", "top"), _KNIT, "ribbon", _FEW, (19, 79)),
        ("cap", "Caps", accessories.cap, ("baseball", "flat-peak", "beanie"), _CLOTH, "trim", _FEW, (12, 35)),
        (
            "backpack",
            "Backpacks",
            accessories.backpack,
            ("zipped", "flap", "roll-top"),
            _LEATHER,
            "pocket",
            _ALL,
            (39, 149),
        ),
        (
            "handbag",
            "Handbags",
            accessories.handbag,
            ("tote", "satchel", "bucket"),
            _LEATHER,
            "handle",
            _ALL,
            (35, 199),
        ),
        (
            "umbrella",
            "Umbrellas",
            accessories.umbrella,
            ("classic", "dome", "parasol"),
            _CLOTH,
            "handle",
            _ALL,
            (14, 49),
        ),
        (
            "sunglasses",
            "Sunglasses",
            accessories.sunglasses,
            ("round", "square", "cat-eye"),
            _PLASTIC,
            "lenses",
            (),
            (15, 99),
        ),
        ("watch", "Watches", accessories.watch, ("round", "square", "long"), _LEATHER, "dial", _FEW, (39, 249)),
    ),
    "Leisure": (
        ("guitar", "Guitars", leisure.guitar, ("acoustic", "electric", "upright"), _WOOD, "pick guard", (), (89, 599)),
        ("ball", "Balls", leisure.ball, ("beach", "football", "basketball"), _PLASTIC, "panels", (), (7, 35)),
        ("kite", "Kites", leisure.kite, ("diamond", "delta", "box"), (("nylon", "matt"),), "tail", _ALL, (12, 45)),
        ("plush toy", "Plush toys", leisure.teddy, ("bear", "rabbit", "cat"), _KNIT, "belly", _FEW, (14, 39)),
        ("drum", "Drums", leisure.drum, ("snare", "tall", "hand"), _WOOD, "hoops", _FEW, (39, 249)),
        (
            "notebook",
            "Books",
            leisure.book,
            ("thick", "pocket", "square"),
            (("paper", "matt"), ("leather", "gloss")),
            "spine",
            _ALL,
            (5, 29),
        ),
        ("towel", "Towels", leisure.towel, ("hanging", "folded", "rolled"), _KNIT, "border", _ALL, (8, 39)),
    ),
}


def _kinds() -> tuple[Kind, ...]:
    return tuple(
        Kind(noun, (department, group), shape, variants, materials, accent, patterns, prices)
        for department, rows in _SHOP.items()
        for noun, group, shape, variants, materials, accent, patterns, prices in rows
    )


KINDS: Final[tuple[Kind, ...]] = _kinds()
DEPARTMENTS: Final[tuple[str, ...]] = tuple(_SHOP)
