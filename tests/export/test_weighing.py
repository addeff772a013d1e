"""What labelled queries are compared with in the gate ranks products as the release's queries do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catalogue import Pictures, Product
from ensemble.pipeline import Pipeline
from ensemble.retrieval import query_rows
from ensemble.settings import ProductSettings
from export.gate.inputs import Source
from export.gate.trial import Kind, Trial
from export.order import Plans
from export.queries import Query
from export.reference import Floats
from export.towers_file import SpaceTable
from export.weighing import Weighing
from tests.export import small
from tests.export.conftest import Make
from tests.export.gate.conftest import picture

SPACE = """
[space]
shared = true
text_query = [0.6, 0.4]
image_query = [0.3, 0.7]
"""
SETTINGS = ProductSettings(("title",))
# The index holds float16; the gate compares what the towers gave.
HALF = 2**-11
PRODUCTS = [Product(row["id"], row["title"], image=row["image"]) for row in small.products()]


@pytest.fixture(scope="module")
def shared(small_towers: Path) -> Path:
    return small.towers_with(small_towers, "shared", SPACE)


@pytest.fixture(scope="module")
def store(make_small: Make, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared") / "var"
    make_small(folder, towers=shared)
    return folder


@pytest.fixture(scope="module")
def pipeline(store: Path) -> Pipeline:
    return Pipeline.open(store / "models", 1)


@pytest.fixture(scope="module")
def weighing(store: Path, shared: Path, small_shop: Path) -> Weighing:
    plans = Plans.of(shared)
    return Weighing(
        plans.file.space,
        {product.id: product for product in PRODUCTS},
        Pictures(str(small_shop), max_bytes=1_000_000),
        plans.text,
        plans.vision,
        SETTINGS,
        {name: store / "models" / name / "1" / "model.onnx" for name in ("text_tower", "vision_tower")},
        1,
    )


@pytest.fixture(scope="module")
def trial(small_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Trial]:
    """Trials with one labelled query of each kind."""
    photo = tmp_path_factory.mktemp("photos") / "photo.png"
    photo.write_bytes(picture(1000))
    asked = (Query("mug red", None, ("P001",)), Query(None, photo, ("P001",)))
    source = Source(PRODUCTS, Pictures(str(small_shop), max_bytes=1_000_000), SETTINGS, asked)
    return source.trial


def units(rows: int) -> Floats:
    """Random unit vectors, ``(rows, 32)``."""
    vectors = np.random.default_rng(1).normal(size=(rows, small.WIDTH)).astype(np.float32)
    unit: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def rows_of(pipeline: Pipeline, trial: Trial) -> Floats:
    """``(products, 64)`` rows of the release, of the products that are to be found."""
    slots = pipeline.index.slots
    at = {name: place for place, name in enumerate(slots.ids(np.arange(len(PRODUCTS))))}
    places = np.array([at[str(item.product)] for item in trial.corpus])
    return slots.rows(places).astype(np.float32)


@pytest.mark.parametrize("kind", ["text", "vision"])
def test_scores_are_those_of_retrieval(
    pipeline: Pipeline, weighing: Weighing, trial: Callable[[Kind], Trial], kind: Kind
) -> None:
    judged, queries = trial(kind), units(5)
    rows = rows_of(pipeline, judged)
    own = rows[:, : small.WIDTH] if kind == "text" else rows[:, small.WIDTH :]
    ours = queries @ weighing.of(judged)(own).T
    text, image = (queries, None) if kind == "text" else (None, queries)
    theirs = query_rows(text, image, None, pipeline.retrieval.space) @ rows.T
    np.testing.assert_allclose(ours, theirs, atol=HALF)
    assert np.abs(ours - queries @ own.T).max() > 0.1


def test_a_text_query_finds_the_same_products(
    pipeline: Pipeline, weighing: Weighing, trial: Callable[[Kind], Trial]
) -> None:
    judged = trial("text")
    rows = rows_of(pipeline, judged)
    (query,) = pipeline.encoders.embed_text(["small blue lamp"])
    scores = weighing.of(judged)(rows[:, : small.WIDTH]) @ query
    best = np.argsort(-scores, kind="stable")[:10]
    (hits,) = pipeline.search(["small blue lamp"], None, k=10)
    assert [judged.corpus[at].product for at in best] == [hit.id for hit in hits]
    np.testing.assert_allclose(scores[best], [hit.score for hit in hits], atol=HALF)


def test_a_product_without_a_picture_has_half_a_row(
    pipeline: Pipeline, weighing: Weighing, trial: Callable[[Kind], Trial]
) -> None:
    judged = trial("text")
    own = rows_of(pipeline, judged)[:, : small.WIDTH]
    bare = [at for at, product in enumerate(PRODUCTS) if product.image is None]
    weighed = weighing.of(judged)(own)
    assert bare
    np.testing.assert_allclose(weighed[bare], 0.6 * own[bare], atol=1e-6)


@pytest.mark.parametrize(
    "space",
    [SpaceTable(), SpaceTable(shared=True), SpaceTable(shared=True, text_query=(0.5, 0), image_query=(0, 2))],
    ids=["apart", "shared", "weights"],
)
@pytest.mark.parametrize("kind", ["text", "vision"])
def test_with_one_half_alone_vectors_are_left_as_they_are(
    weighing: Weighing, trial: Callable[[Kind], Trial], space: SpaceTable, kind: Kind
) -> None:
    vectors = units(3)
    assert replace(weighing, space=space, graphs={}).of(trial(kind))(vectors) is vectors


def test_without_labels_no_other_half_is_embedded(weighing: Weighing, small_shop: Path) -> None:
    unlabelled = Source(PRODUCTS, Pictures(str(small_shop), max_bytes=1_000_000), SETTINGS).trial("text")
    vectors = units(3)
    assert replace(weighing, graphs={}).of(unlabelled)(vectors) is vectors
