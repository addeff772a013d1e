from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from catalogue import Product
from ensemble.settings import TextSettings
from ensemble.towers import Tower
from export.cases import Case, text_cases
from export.check import hold
from export.embedding import hold_rows
from export.errors import GateFailed
from export.text_towers import plan_text
from export.towers_file import TextTable
from tests import tiny


@pytest.fixture
def tower(tmp_path: Path) -> Tower:
    onnx.save(tiny.text_tower(), tmp_path / "model.onnx")
    return Tower(tmp_path / "model.onnx")


def cases() -> list[Case]:
    ids = np.array([[2, 4, 3], [2, 5, 3], [2, 6, 3], [2, 7, 3]])
    return [Case({"INPUT_IDS": ids, "LENGTHS": np.full((4, 1), 3, np.int32)}, ("a", "b", "c", "d"))]


def test_a_graph_that_answers_as_its_source_does_passes(tower: Tower) -> None:
    found = hold("text", tower, tower.encode, cases())
    assert (found.max_abs_diff, found.inputs, found.dim) == (0, 4, tiny.DIM)


def test_a_difference_is_told_with_the_inputs_that_did_worst(tower: Tower) -> None:
    off = np.array([0, 0.3, 0, 0.2], np.float32)[:, None]
    with pytest.raises(GateFailed) as caught:
        hold("text", tower, lambda inputs: tower.encode(inputs) + off[: len(inputs["LENGTHS"])], cases())
    assert caught.value.value == pytest.approx(0.3)
    assert [line.split()[1] for line in caught.value.worst[:2]] == ["b", "d"]
    assert "at most 0.0001 is allowed" in str(caught.value)


def test_a_difference_that_is_not_a_number_fails_too(tower: Tower) -> None:
    with pytest.raises(GateFailed, match="inf"):
        hold("text", tower, lambda inputs: tower.encode(inputs) * np.float32(np.nan), cases())


def test_cases_fill_every_bucket_with_real_texts(tmp_path: Path) -> None:
    tiny.tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "text.onnx").touch()
    table = TextTable(onnx=tmp_path / "text.onnx", tokenizer=tmp_path, buckets=(4, 8, 16))
    plan = plan_text(table)
    assert plan.settings == TextSettings(16, (4, 8, 16))
    products = [Product(str(number), title) for number, title in enumerate(["red mug", "small blue lamp"])]
    made = list(text_cases(products, plan, tiny.PRODUCT))
    shapes = [case.inputs["INPUT_IDS"].shape for case in made]
    assert {width for _, width in shapes} == {4, 8, 16}
    assert {batch for batch, _ in shapes} == {1, 3, 8}
    for case in made:
        assert case.inputs["LENGTHS"].max() == case.inputs["INPUT_IDS"].shape[1]
    assert made[-1].inputs["LENGTHS"].min() < 8


def test_a_row_that_is_not_of_length_one_names_its_product() -> None:
    products = [Product("good", "a", image="x"), Product("bad", "b", image="y"), Product("plain", "c")]
    rows = np.array([[1, 0, 0, 1], [0, 1, 0.5, 0], [1, 0, 0, 0]], np.float32)
    with pytest.raises(GateFailed, match="image vectors") as caught:
        hold_rows(rows, products, 2)
    assert caught.value.worst[0] == "product 'bad'"
    hold_rows(rows[[0, 2]], [products[0], products[2]], 2)
