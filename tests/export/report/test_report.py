"""The page: everything is in it, escaped; nothing is fetched or run; the same report gives the same bytes."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from export.gate.values import BATCHES
from export.report.values import TowerReport
from export.report.writer import render, write_report
from tests.export.report.values import CANDIDATES, HOSTILE, report, tower

VOID = {"meta", "br"}


class Page(HTMLParser):
    """Collects elements, attributes, ids and text, and refuses a page whose elements are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def html() -> str:
    return render(report())


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def test_texts_of_the_catalogue_are_escaped_and_shown(html: str, page: Page) -> None:
    assert "<script" not in html.lower()
    assert "script" not in page.tags
    assert page.text.count(HOSTILE) >= 2 * len(CANDIDATES) + 1


def test_nothing_is_fetched_or_run(html: str, page: Page) -> None:
    assert {"link", "iframe", "object", "img", "form", "base"}.isdisjoint(page.tags)
    sources = [value for name, value in page.attributes if name in {"src", "href", "xlink:href", "action", "srcset"}]
    assert all(value.startswith("#") for value in sources)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "@import" not in html
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)\)", html))


def test_every_id_is_there_once_and_every_reference_finds_its_own(html: str, page: Page) -> None:
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    asked = [value[1:] for name, value in page.attributes if name == "xlink:href"]
    assert set(asked) | set(re.findall(r"url\(#([^)]*)\)", html)) <= set(ids)


def test_every_candidate_has_a_row_with_its_figures(page: Page) -> None:
    rows = re.findall(r"(int8|fp16|fp32) ([\w-]+)\s+(chosen|passed|failed)", page.text)
    expected = [
        ("int8", "dynamic", "failed"),
        ("int8", "smoothquant-static", "chosen"),
        ("int8", "static", "failed"),
        ("fp16", "islands", "passed"),
        ("fp32", "source", "passed"),
        ("int8", "broken", "failed"),
    ]
    assert rows[:6] == expected
    for verdict in tower("text_tower").verdicts:
        figures = verdict.figures
        shown = (figures.cosine_mean, figures.cosine_p01, figures.cosine_min)
        assert all(("NaN" if value != value else f"{value:.5f}") in page.text for value in shown)  # noqa: PLR0124
        assert all(f"{ms:.2f} ms" in page.text for ms in figures.latency_ms.values())


def test_choice_failures_notes_bounds_engines_and_facts_are_told(page: Page) -> None:
    for said in (
        "int8-smoothquant-static was chosen: it takes 0.52 of FP32's time, and is the fastest of the 3 that passed",
        "recall@10 is 0.868, at least 0.97 is asked.",
        "distance that a vector moves in a batch is 0.03, at most 0.001 is asked.",
        "recall@10 is not a number, at least 0.97 is asked.",
        "the graph cannot be loaded",
        "--allow-precision fell back to fp32",
        "recall@100 at 40",
        "≥ 0.98",
        "≤ 0.001",
        "NVIDIA H200",
        "12 int8, 20 fp16, 9 move",
        "12,345",
        "AMD EPYC",
    ):
        assert said in page.text


def test_a_failed_release_has_a_page_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "0012" / "report.html"
    write_report(path, report(passed=False))
    found = Page(path.read_text("utf-8"))
    assert "Release 12: failed" in found.text
    assert "None was chosen" in found.text
    assert list(path.parent.iterdir()) == [path]


def test_the_same_report_gives_the_same_bytes(html: str) -> None:
    assert render(report()) == html


def test_plots_are_well_formed_and_say_what_they_show(html: str) -> None:
    drawings = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(drawings) == 3 * 2
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)  # noqa: S314 - written by us
        assert root.get("role") == "img"
        assert root.get("aria-label", "").startswith(("text_tower: ", "vision_tower: "))
        for verdict in tower("text_tower").verdicts:
            assert verdict.candidate.name in drawing


def test_latency_bars_have_the_ratios_written_on_them(html: str) -> None:
    drawing = re.findall(r"<svg.*?</svg>", html, re.DOTALL)[2]
    for verdict in tower("text_tower").verdicts[:-1]:
        for batch in BATCHES:
            assert f"{verdict.figures.latency_ratio[batch]:.2f}<" in drawing


def test_a_tower_of_one_candidate_without_labels_can_be_shown() -> None:
    (source,) = (one for one in tower("text_tower").verdicts if one.candidate.name == "fp32-source")
    alone = replace(source, figures=replace(source.figures, labelled=None))
    single = TowerReport("text_tower", (alone,), tower("text_tower").bounds, "fp32-source")
    text = Page(render(replace(report(), towers=(single,), engines={}))).text
    assert "is the only one of 1 candidate that passed" in text
    assert "TensorRT" not in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"verdicts": ()}, "must not be empty"),
        ({"chosen": "int4-magic"}, "`chosen` must be one of"),
        ({"bounds": {}}, "lack fp16, fp32, int8"),
        ({"verdicts": tower("text_tower").verdicts[:1] * 2, "chosen": None}, "different candidates"),
    ],
)
def test_a_report_that_cannot_be_right_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(tower("text_tower"), **change)  # type: ignore[arg-type]
