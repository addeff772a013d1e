"""Lays a report out and writes it."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from export import plotting
from export.gate.values import BATCHES
from export.report import plots, wording
from export.report.values import Report, TowerReport

REPORT = "report.html"
LABELLED_KS = (1, 5)
CAPTIONS = (
    "How many held-out inputs lie how near to FP32. Bounds: solid for the worst input, dotted for the 1st percentile.",
    "Share of FP32's nearest products found too: recall@10 filled, with its bound as a line; recall@100 hollow.",
    "Time of a run over FP32's, measured side by side: batches of 1, 8 and 32 from top to bottom.",
)
TITLES = {"text_tower": "Text tower", "vision_tower": "Vision tower", "product_tower": "Product tower"}


def write_report(path: Path, report: Report) -> None:
    """Write the page; the same report gives the same bytes.

    A page that is half written is never seen: it is moved to its place when it is whole.

    Args:
        path: ``report.html``.
        report: What it tells.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_name(path.name + ".part")
    whole.write_text(render(report), "utf-8")
    whole.replace(path)


def render(report: Report) -> str:
    """The page as HTML; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("export.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"words": wording, "batches": BATCHES, "labelled_ks": LABELLED_KS, "titles": TITLES}
    page = environment.get_template("report.html.j2")
    pictures = {tower.name: _plots(place, tower) for place, tower in enumerate(report.towers)}
    return page.render(report=report, plots=pictures)


def _plots(place: int, tower: TowerReport) -> list[tuple[Markup, str]]:
    made = (plots.cosines(tower), plots.recall(tower), plots.latency(tower))
    return [
        # Matplotlib escapes the names that it writes into the SVG, ``inline_svg`` the caption.
        (Markup(plotting.inline_svg(figure, f"t{place}p{number}", f"{tower.name}: {caption}")), caption)  # noqa: S704
        for number, (figure, caption) in enumerate(zip(made, CAPTIONS, strict=True))
    ]
