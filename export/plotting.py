"""How plots look and how they are written: the same values give the same bytes, on every run.

Figures are made without pyplot, whose state is shared by the whole process.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Okabe and Ito's colours, which those who confuse red and green can tell apart; yellow is left out, being too pale.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8c6d31")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "h")
# Written for text and axes; an inlined plot gets the colour of the text around it instead.
INK = "#1b1f23"
DPI = 144

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    # Names of files and inputs may hold a dollar sign, which is no formula.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "tandem",
}


@contextmanager
def style() -> Iterator[None]:
    """The settings that figures are made and written under."""
    with mpl.rc_context(_STYLE):
        yield


def grid(axes: Axes, which: str = "both") -> None:
    """Faint lines behind the data, along ``x``, ``y`` or ``both``."""
    axes.grid(visible=True, axis=which, color="#808080", alpha=0.25, linewidth=0.7)  # type: ignore[arg-type]
    axes.set_axisbelow(True)


def svg(figure: Figure) -> str:
    """A file of its own, on white."""
    file = io.StringIO()
    with style():
        figure.savefig(file, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def png(figure: Figure) -> bytes:
    """A file of its own, on white."""
    file = io.BytesIO()
    with style():
        figure.savefig(file, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    return file.getvalue()


def inline_svg(figure: Figure, name: str, title: str) -> str:
    """An ``<svg>`` to be put into a page: transparent, in the colour of the text around it.

    Args:
        figure: The plot.
        name: Put before every id, so that plots of one page do not share any.
        title: What the plot shows, for those who cannot see it.
    """
    file = io.StringIO()
    with style():
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|href="#)', rf"\g<1>{name}-", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{_attribute(title)}" ', 1)


def _attribute(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
