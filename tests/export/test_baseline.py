"""What a release is to be held to while it serves."""

from __future__ import annotations

import io
import json
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalogue import Product
from deploy.drift.baseline import read_baseline
from ensemble.observing import read_columns
from ensemble.pipeline import Pipeline
from ensemble.release import Manifest, manifest_path
from export.baseline import known
from export.baseline.known import Photo, Question, known_queries, reduced, typed
from export.errors import BadEvaluation
from export.queries import Query
from tests import tiny
from tests.export.conftest import Make
from tests.spoiling import spoil


def folder_of(store: Path) -> Path:
    return store / "releases" / "0001" / "baseline"


def facts_of(store: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((folder_of(store) / "baseline.json").read_text())
    return facts


def questions_of(store: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder_of(store) / "questions.jsonl").read_text().splitlines()]


def share_found(store: Path, models: Path) -> float:
    """Share of the questions whose product is among the first ten."""
    pipeline, found = Pipeline.open(models, 1), []
    for question in questions_of(store):
        photo = [(folder_of(store) / question["image"]).read_bytes()] if "image" in question else None
        texts = [question["text"]] if "text" in question else None
        ids = {hit.id for hit in pipeline.search(texts, photo, k=10)[0]}
        found.append(len(ids & set(question["products"])) / min(10, len(question["products"])))
    return float(np.mean(found))


def test_a_release_carries_a_baseline_that_belongs_to_it(store: Path) -> None:
    manifest = Manifest.load(manifest_path(store, 1))
    inside = {name.removeprefix("releases/0001/baseline/") for name in manifest.outputs if "/baseline/" in name}
    assert {"baseline.json", "questions.jsonl", "text_preprocess.npz", "image_preprocess.npz", "retrieve.npz"} <= inside
    (step,) = (step for step in manifest.steps if step.name == "baseline")
    facts = facts_of(store)
    assert facts["format"] == 1
    assert facts["source"] == "texts of the catalogue, photos of the catalogue"
    assert step.figures["questions"] == facts["questions"] == len(questions_of(store))
    assert step.figures["recall_at_10"] == facts["recall_at_10"]


def test_questions_name_the_product_that_they_were_made_of(store: Path, shop: Path) -> None:
    products = {one["id"]: one for one in map(json.loads, shop.read_text().splitlines())}
    questions = questions_of(store)
    for question in questions:
        (name,) = question["products"]
        if "image" in question:
            photo = Image.open(folder_of(store) / question["image"])
            mean = np.asarray(photo.convert("RGB")).reshape(-1, 3).mean(axis=0)
            colour = tiny.COLOURS[products[name]["attributes"]["color"]]
            assert mean == pytest.approx(np.array(colour), abs=15)
        else:
            assert question["text"] == products[name]["title"].lower()
    titles = [product["title"] for product in products.values()]
    assert not [one for one in questions if "text" in one and titles.count(one["text"]) > 1]
    assert [one for one in questions if "image" in one]


def test_the_recall_is_that_of_the_release_and_a_shuffled_index_does_not_reach_it(store: Path, tmp_path: Path) -> None:
    assert share_found(store, store / "models") == pytest.approx(facts_of(store)["recall_at_10"], abs=1e-4)
    spoiled = Path(shutil.copytree(store, tmp_path / "var", symlinks=True))
    spoil(spoiled, 1)
    assert share_found(store, spoiled / "models") < facts_of(store)["recall_at_10"] - 0.3


def test_the_samples_are_what_the_models_would_note(store: Path) -> None:
    folder = folder_of(store)
    texts, photos = read_columns(folder / "text_preprocess.npz"), read_columns(folder / "image_preprocess.npz")
    answers = read_columns(folder / "retrieve.npz")
    assert len(answers["best"]) == len(texts["text"]) + len(photos["width"])
    assert set(photos["width"].tolist()) == {32.0}
    pipeline = Pipeline.open(store / "models", 1)
    for place in (0, len(texts["text"]) - 1):
        text = str(texts["text"][place])
        vector = pipeline.encoders.embed_text([text])[0]
        assert answers["text_vector"][place] == pytest.approx(vector.astype(np.float16), abs=2e-3)
        first, second = pipeline.search([text], k=2)[0]
        assert answers["best"][place] == pytest.approx(first.score, abs=1e-5)
        assert answers["gap"][place] == pytest.approx(first.score - second.score, abs=1e-5)
        assert texts["tokens"][place] == len(text.split()) + 2
    assert not answers["text_vector"][len(texts["text"]) :].any()


def test_what_shoppers_asked_is_for_the_owner_alone(store: Path) -> None:
    private = [folder_of(store) / "questions.jsonl", *folder_of(store).glob("*.npz"), *folder_of(store).glob("*/*.jpg")]
    assert len(private) > 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}


@dataclass(frozen=True)
class Checked:
    """As much of a checked catalogue as is looked at."""

    catalogue: Any
    pictures: Any = None


def products_of(titles: Iterable[str]) -> Any:
    products = tuple(Product(f"P{number}", title) for number, title in enumerate(titles))
    return Checked(SimpleNamespace(products=products))


def test_a_list_without_repeats_is_no_log_and_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    checked = products_of(["Red Mug", "Blue Mug"])
    once = [Query("red mug", None), Query("blue mug", None)]
    assert not known_queries(once, checked).repeats
    assert [record.message for record in caplog.records if "no query of the queries file comes twice" in record.message]
    caplog.clear()
    assert known_queries([*once, once[0]], checked).repeats
    assert not known_queries([], checked).repeats
    assert not caplog.records


def test_of_a_large_catalogue_a_sample_is_looked_at_and_titles_are_compared_with_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "_MOST_PRODUCTS", 40)
    titles = [f"Mug {number}" for number in range(300)] + ["Lamp one", "ONE  lamp"] * 100
    found = known_queries([], products_of(titles))
    assert 10 < len(found.questions) <= 40
    assert {question.text for question in found.questions} <= {title.lower() for title in titles[:300]}
    assert found == known_queries([], products_of(titles))
    asked = known_queries([Query("a lamp", None, ("P499", "gone"))] * 2, products_of(titles))
    assert asked.questions == (Question("a lamp", None, ("P499",)),)


def test_labelled_queries_are_the_questions_and_the_samples(make: Make, tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(tiny.picture(tiny.COLOURS["red"], 77))
    lines = [
        {"text": "red mug", "products": ["P000", "gone"]},
        {"text": "green chair"},
        {"text": "of another shop", "products": ["gone"]},
        {"image": "photo.png", "products": ["P004"]},
    ]
    queries = tmp_path / "queries.jsonl"
    queries.write_text("".join(json.dumps(line) + "\n" for line in lines))
    store = tmp_path / "var"
    manifest = make(store, queries=queries)
    assert facts_of(store)["source"] == "texts of the queries, photos of the queries"
    assert manifest.inputs["queries"]["path"] == str(queries)
    texts = read_columns(folder_of(store) / "text_preprocess.npz")["text"].tolist()
    assert sorted(texts) == ["green chair", "of another shop", "red mug"]
    assert facts_of(store)["repeats"] is False
    text, photo = questions_of(store)
    assert text == {"text": "red mug", "products": ["P000"]}
    assert photo["products"] == ["P004"]
    assert read_baseline(store, 1).texts == tuple(texts)
    assert read_baseline(store, 1).measures == {}


def test_a_query_that_cannot_be_served_is_named(make: Make, tmp_path: Path) -> None:
    queries = tmp_path / "queries.jsonl"
    queries.write_text(json.dumps({"text": "y" * 300_000}) + "\n")
    with pytest.raises(BadEvaluation, match=r"y'?\.\.\..*: cannot be served: 300,000 characters"):
        make(tmp_path / "var", queries=queries)
    assert not (tmp_path / "var" / "releases").exists()
    (tmp_path / "no.jpg").write_bytes(b"no picture")
    with pytest.raises(BadEvaluation, match=r"no\.jpg: cannot be served"):
        reduced(Photo("no.jpg", b"no picture"))


def test_a_title_is_shortened_as_it_might_be_typed() -> None:
    title = "Rounded black stoneware mug with pink handle"
    words = typed(title).split()
    assert typed(title) == typed(title)
    assert 2 <= len(words) <= 5
    assert [word for word in title.lower().split() if word in words] == words
    assert typed("Mug") == "mug"


def test_photos_are_made_small_and_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    Image.new("RGBA", (800, 400), (0, 0, 0, 0)).save(stream, "PNG", exif=exif)
    small = Image.open(io.BytesIO(reduced(Photo("a.png", stream.getvalue()))))
    assert (small.format, small.size) == ("JPEG", (160, 320))
    assert small.getpixel((80, 160)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("text", "photo", "products", "told"),
    [
        ("a", b"b", ("P1",), "exactly one of `text` and `photo`"),
        (None, None, ("P1",), "exactly one of `text` and `photo`"),
        ("a", None, (), "`products` must name at least one"),
    ],
)
def test_a_question_is_a_text_or_a_photo_with_an_answer(
    text: str | None, photo: bytes | None, products: tuple[str, ...], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        Question(text, photo, products)
