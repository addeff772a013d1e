"""Titles of products, and the other words in which a shopper may ask for the same one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_FRONT = frozenset({
    "tall", "wide", "rounded", "deep", "shallow", "flared", "round", "squat", "oval", "square", "small", "slim",
    "slender", "short", "long", "looped", "classic", "slatted", "round-backed", "straight", "strappy", "pleated", "low",
    "thick", "pointed", "hanging", "folded", "rolled", "domed", "conical", "drum-shaded",
})  # fmt: skip
_NAMES = {
    "sauce pan": "saucepan",
    "stock pan": "stockpot",
    "leafy plant pot": "plant pot with leafy plant",
    "grassy plant pot": "plant pot with grassy plant",
    "cactus plant pot": "plant pot with cactus",
    "single sofa": "armchair",
    "button-up jumper": "cardigan",
    "short trousers": "shorts",
    "flip-flop sandals": "flip-flops",
    "slide sandals": "slides",
    "beanie cap": "beanie",
    "football ball": "football",
    "basketball ball": "basketball",
    "bear plush toy": "plush bear",
    "rabbit plush toy": "plush rabbit",
    "cat plush toy": "plush cat",
}


@dataclass(frozen=True)
class Words:
    """The words that describe one product; ``accent`` is its second colour, ``detail`` the part that wears it."""

    noun: str
    variant: str
    colour: str
    accent: str
    pattern: str
    material: str
    detail: str

    @property
    def name(self) -> str:
        """What people call it, the variant included where it belongs to the noun: ``ankle boot``, ``mug``."""
        if self.variant in _FRONT and f"{self.variant} {self.noun}" not in _NAMES:
            return self.noun
        return _NAMES.get(f"{self.variant} {self.noun}", f"{self.variant} {self.noun}")

    @property
    def lead(self) -> str:
        """The variant with a blank after it where it is an adjective of its own, else nothing."""
        return f"{self.variant} " if self.name == self.noun else ""


def title(words: Words) -> str:
    """Return the title: what is to be seen, nothing else.

    >>> title(Words("mug", "tall", "red", "white", "striped", "ceramic", "handle"))
    'Tall red and white striped ceramic mug'
    >>> title(Words("boot", "ankle", "navy", "pink", "plain", "leather", "sole"))
    'Navy leather ankle boot with pink sole'
    """
    if words.pattern == "plain":
        joint = "and" if " with " in words.name else "with"
        text = f"{words.lead}{words.colour} {words.material} {words.name} {joint} {words.accent} {words.detail}"
    else:
        text = f"{words.lead}{words.colour} and {words.accent} {words.pattern} {words.material} {words.name}"
    return text[0].upper() + text[1:]


def paraphrase(words: Words, rng: np.random.Generator) -> str:
    """Return the same product in other words: reordered, without the material, in lower case."""
    name = f"{words.lead}{words.name}"
    if words.pattern == "plain":
        forms = (
            f"{words.colour} {name}, {words.accent} {words.detail}",
            f"a {name} in {words.colour}, the {words.detail} in {words.accent}",
            f"{name} {words.colour} {words.accent} {words.detail}",
        )
    else:
        forms = (
            f"{words.pattern} {name} in {words.colour} and {words.accent}",
            f"{words.colour} {name}, {words.accent} {words.pattern}",
            f"a {name}, {words.pattern}, {words.colour} with {words.accent}",
        )
    return forms[rng.integers(len(forms))]


def short_query(words: Words) -> str:
    """Return what an impatient shopper types: colour and name.

    >>> short_query(Words("mug", "tall", "red", "white", "striped", "ceramic", "handle"))
    'red mug'
    """
    return f"{words.colour} {words.name}"
