"""The recall benchmark counts what it says, and finds every product of a shop through a pipeline that is exact."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from benchmarks.recall_sample import SampleShop, batched, paraphrase_recall, recall, short_query_precision
from benchmarks.recall_sheet import Line, write_sheet
from ensemble.pipeline import Hit, Pipeline
from sample.make import make
from sample.products import Product


class WordSearch:
    """Stands in for a pipeline: ranks products by the words that they share with the query."""

    def __init__(self, products: Sequence[Product], rows: list[dict[str, Any]]) -> None:
        self._titles = [set(re.findall(r"[\w-]+", product.title.lower())) for product in products]
        self._rows = rows

    def search(self, texts: Sequence[str], k: int) -> list[list[Hit]]:
        """Hits by shared words."""
        answers = []
        for text in texts:
            words = set(re.findall(r"[\w-]+", text.lower()))
            scores = [len(words & title) / len(title) for title in self._titles]
            order = sorted(range(len(scores)), key=lambda place: -scores[place])[:k]
            answers.append([Hit(self._rows[place]["id"], scores[place], self._rows[place]) for place in order])
        return answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shop")
    make(out, products=60, held_out=3, train=0, seed=7)
    return out


@pytest.fixture(scope="module")
def opened(folder: Path) -> SampleShop:
    return SampleShop.open(folder, seed=7)


@pytest.fixture(scope="module")
def pipeline(opened: SampleShop) -> Pipeline:
    return cast("Pipeline", WordSearch(opened.products, [product.row() for product in opened.products]))


def test_recall_counts_the_first_k() -> None:
    answers = [[Hit("a", 2.0, {}), Hit("b", 1.0, {})], [Hit("c", 2.0, {}), Hit("d", 1.0, {})]]
    assert recall(answers, ["a", "d"]) == {"recall@1": 0.5, "recall@5": 1.0}
    assert recall(answers, ["b", "a"]) == {"recall@1": 0.0, "recall@5": 0.5}


def test_batches_keep_the_order() -> None:
    found = list(batched(list(range(70)), lambda some: [[Hit(str(one), 0.0, {})] for one in some]))
    assert [hits[0].id for hits in found] == [str(number) for number in range(70)]


def test_word_search_finds_paraphrases_and_short_queries(opened: SampleShop, pipeline: Pipeline) -> None:
    found = paraphrase_recall(pipeline, opened.products)
    assert found["queries"] == 60
    assert found["recall@1"] > 0.7
    short = short_query_precision(pipeline, opened.products)
    assert short["right@10"] > 0.9
    assert 0.0 < short["name@10"] < 1.0


def test_a_shop_of_another_seed_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="not made with seed 8; name its seed with --seed"):
        SampleShop.open(folder, seed=8)


def test_the_sheet_shows_texts_and_photos(folder: Path, opened: SampleShop, pipeline: Pipeline, tmp_path: Path) -> None:
    hits = pipeline.search(texts=["red mug", "navy chair"], k=3)
    photo = opened.photos[0].path.read_bytes()
    write_sheet(
        tmp_path / "sheet.png", [Line("red mug", hits[0]), Line(photo, hits[1], hits[1][0].id)], folder, columns=1
    )
    with Image.open(tmp_path / "sheet.png") as page:
        assert page.size == (4 * 104 + 16, 2 * 128)
        assert len(page.convert("RGB").getcolors(1 << 16) or ()) > 20
