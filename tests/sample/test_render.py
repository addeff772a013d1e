"""Every shape can be drawn, stays in its square, and shows the colours that the title names."""

from __future__ import annotations

import numpy as np
import pytest

from sample.geometry import band, ellipse, lathe, mirrored, rounded, spline, star, turned
from sample.kinds import KINDS, Kind
from sample.paint import PATTERNS, Pattern, painted
from sample.palette import COLOURS
from sample.parts import Form
from sample.products import shop
from sample.render import Skin, sprite

RED, WHITE = COLOURS["red"], COLOURS["white"]
VARIANTS = [pytest.param(kind, variant, id=f"{kind.noun}-{variant}") for kind in KINDS for variant in kind.variants]


@pytest.mark.parametrize(("kind", "variant"), VARIANTS)
def test_every_variant_stays_in_its_square(kind: Kind, variant: str) -> None:
    for draws in ((0.0,) * 8, (0.5,) * 8, (0.999,) * 8):
        outlines = [part.outline for part in kind.shape(Form(variant, draws))]
        corners = np.concatenate(outlines)
        assert corners.min() > -0.05
        assert corners.max() < 1.05
        assert np.ptp(corners[:, 0]) > 0.1
        assert np.ptp(corners[:, 1]) > 0.1


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.noun)
def test_variants_and_draws_change_the_shape(kind: Kind) -> None:
    def drawn(variant: str, draw: float) -> bytes:
        skin = Skin(Pattern("plain", RED, WHITE, 0.1, 0.0), WHITE, "matt")
        return sprite(kind.shape(Form(variant, (draw,) * 8)), skin, 32).tobytes()

    pictures = {drawn(variant, draw) for variant in kind.variants for draw in (0.1, 0.9)}
    assert len(pictures) == 2 * len(kind.variants)


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_patterns_show_both_colours(name: str) -> None:
    pixels = np.asarray(painted(Pattern(name, RED, WHITE, 0.12, 0.3), 128)).reshape(-1, 3)
    assert 0.15 < (pixels == RED).all(axis=1).mean() < 0.9
    assert 0.08 < (pixels == WHITE).all(axis=1).mean() < 0.8


def test_the_main_colour_is_what_most_pixels_show() -> None:
    product = next(p for p in shop(500, seed=7) if p.words.colour == "red" and p.kind.noun == "mug")
    pixels = np.asarray(product.figure(64)).reshape(-1, 4)
    seen = np.median(pixels[pixels[:, 3] > 250][:, :3], axis=0)
    assert seen[0] > 1.8 * max(seen[1], seen[2])


def test_the_same_product_is_drawn_the_same() -> None:
    one, other = (list(shop(10, seed=2))[9].picture(64) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_outlines_are_what_their_names_say() -> None:
    assert np.allclose(np.hypot(*(ellipse(0.5, 0.5, 0.2) - 0.5).T), 0.2)
    box = rounded(0.1, 0.2, 0.9, 0.6, 0.05)
    assert box.min(axis=0).tolist() == pytest.approx([0.1, 0.2])
    assert box.max(axis=0).tolist() == pytest.approx([0.9, 0.6])
    body = lathe([(0.1, 0.2), (0.3, 0.5), (0.2, 0.9)])
    assert np.allclose(np.sort(mirrored(body)[:, 0]), np.sort(body[:, 0]))
    assert np.allclose(spline([(0, 0), (1, 0), (1, 1)])[[0, -1]], [(0, 0), (1, 1)])
    stripe = band([(0.0, 0.5), (1.0, 0.5)], 0.2)
    assert np.ptp(stripe[:, 1]) == pytest.approx(0.2)
    assert np.allclose(turned(turned(star(0.3, 0.4, 0.2), 35), -35), star(0.3, 0.4, 0.2))
