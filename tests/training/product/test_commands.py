"""The commands, from events and a catalogue to the folder that a release is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from tests import tiny
from tests.training.product import shop
from training.__main__ import app
from training.errors import TrainingInputError
from training.product import commands
from training.product.complements import ComplementMap
from training.product.module import ProductEncoder
from training.product.pairs import Pairs
from training.product.rows import ProductRows, rows_of_release, rows_of_texts

SMALL = ["--epochs", "1", "--steps", "2", "--batch-size", "16", "--negatives", "8", "--dim", "8", "--hidden", "16"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    parquet.write_table(shop.table().rename_columns(["order", "sku", "time"]), tmp_path / "events.parquet")
    (tmp_path / "catalogue.jsonl").write_text("".join(json.dumps(one) + "\n" for one in shop.products()), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _count() -> None:
    names = ("--events", "events.parquet", "--event-columns", "basket=order,product=sku")
    assert _run("pairs", *names, "--out", "made/pairs.parquet").exit_code == 0
    learned = _run(
        "complements", *names, "--catalogue", "catalogue.jsonl", "--out", "made/complements.json", "--most", "3"
    )
    assert learned.exit_code == 0, learned.output


def test_from_events_to_a_tower(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "rows_of_texts", lambda products, *_: ProductRows(list(products), shop.rows()))
    _count()
    asked = ("--pairs", "made/pairs.parquet", "--catalogue", "catalogue.jsonl", "--out", "tower", "--work", "work")
    done = _run("product-tower", *asked, *SMALL)
    assert done.exit_code == 0, done.output
    assert "epoch 1 of 1" in done.output
    assert ProductEncoder.load(folder / "tower").shape.dim == 8
    beside = ComplementMap.load(folder / "made/complements.json")
    assert ComplementMap.load(folder / "tower/complements.json") == beside
    assert list((folder / "work").glob("*")) == []  # so that the next run is not held to this one's recipe
    again = _run("product-tower", *asked, *SMALL, "--temperature", "0.2")
    assert again.exit_code == 0, again.output


def test_few_pairs_leave_the_last_epoch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "rows_of_texts", lambda products, *_: ProductRows(list(products), shop.rows()))
    lines = "".join(f'{{"basket": {at}, "product": "{name}"}}\n' for at in (1, 2) for name in ("P00", "P01"))
    (folder / "events.jsonl").write_text(lines)
    assert _run("pairs", "--events", "events.jsonl", "--out", "pairs.parquet").exit_code == 0
    asked = ("--pairs", "pairs.parquet", "--catalogue", "catalogue.jsonl", "--out", "tower", "--work", "work")
    done = _run("product-tower", *asked, *SMALL, "--epochs", "2")
    assert "epoch 2 of 2, the last, as there were too few pairs" in " ".join(done.output.split())


def test_counting_stops_before_a_day(folder: Path) -> None:
    names = ("--events", "events.parquet", "--event-columns", "basket=order,product=sku", "--out", "pairs.parquet")
    assert _run("pairs", *names, "--before", "1970-01-03").exit_code == 0
    within = Pairs.read(folder / "pairs.parquet")
    assert _run("pairs", *names).exit_code == 0
    assert 0 < within.count.sum() < Pairs.read(folder / "pairs.parquet").count.sum()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pairs", "--events", "absent.csv"], "no file absent.csv"),
        (["pairs", "--events", "events.parquet"], "no column 'basket'"),
        (["pairs", "--events", "events.parquet", "--event-columns", "order"], "must be COLUMN=NAME"),
        (["pairs", "--events", "events.parquet", "--event-columns", "cart=order"], "columns among basket, product"),
        (
            ["pairs", "--events", "events.parquet", "--event-columns", "basket=order,product=sku", "--before", "soon"],
            "before: got 'soon'",
        ),
        (
            [
                "pairs",
                "--events",
                "events.parquet",
                "--event-columns",
                "basket=order,product=sku",
                "--min-count",
                "999",
            ],
            "no two products share 999 basket(s)",
        ),
        (["product-tower", "--pairs", "absent.parquet", "--catalogue", "catalogue.jsonl"], "no file absent.parquet"),
        (["product-tower", "--pairs", "x", "--catalogue", "x", "--device", "nowhere"], "device: got 'nowhere'"),
        (["product-tower", "--pairs", "x", "--catalogue", "x", "--batch-size", "0"], "batch_size: got 0"),
    ],
)
def test_mistakes_are_told_in_plain_words(folder: Path, arguments: list[str], message: str) -> None:
    done = _run(*arguments)
    assert done.exit_code == commands.USERS_MISTAKE
    assert message in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_ctrl_c_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "count_pairs", interrupted)
    done = _run("pairs", "--events", "events.parquet", "--event-columns", "basket=order,product=sku")
    assert done.exit_code == commands.INTERRUPTED
    assert "goes on from the last whole epoch" in done.output


def test_rows_of_a_release_are_those_of_its_index(tmp_path: Path) -> None:
    made = tiny.write_release(tmp_path / "models")
    (tmp_path / "releases" / "0001").mkdir(parents=True)
    products = [*reversed(made[:5]), {"id": "new", "title": "mug"}]
    held = rows_of_release(products, tmp_path)
    assert held.products == products[:5]
    assert held.rows.shape == (5, 2 * tiny.DIM)
    assert held.image_dim == tiny.DIM
    assert (held.rows != rows_of_release(made[:5], tmp_path).rows).any()
    with pytest.raises(TrainingInputError, match="has no release 4; it has \\[1\\]"):
        rows_of_release(products, tmp_path, 4)
    with pytest.raises(TrainingInputError, match="has none of its products, such as \\['new'\\]"):
        rows_of_release(products[5:], tmp_path)


def test_rows_of_texts_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    texts: list[str] = []

    class Tower:
        def __call__(self, given: list[str]) -> torch.Tensor:
            texts.extend(given)
            return torch.eye(len(given), 6)

    monkeypatch.setattr("training.product.rows.LockedTextTower", Tower)
    first = rows_of_texts(shop.products()[:3], ("title", "category"), tmp_path)
    assert texts[0] == "rose Mugs 0. Kitchen, Mugs"
    assert (rows_of_texts(shop.products()[:3], ("title", "category"), tmp_path).rows == first.rows).all()
    assert len(texts) == 3
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]
