"""What the server answers is what an independent computation gives, whatever else is asked at the same time."""

from __future__ import annotations

import csv
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from clients import Answer, Client, Query
from clients.tensors import image_bytes
from deploy.server import Server
from ensemble.pipeline import Pipeline
from tests.end_to_end.reference import Reference
from tests.patient import PATIENT

TEXTS = ["a red mug", "striped blue jumper", "wooden chair", "something to tell the time", "green"]
SCORE_TOLERANCE = 1e-3
# Scores closer than this may change places: floats are summed in another order by another library.
TIE = 2e-5


@pytest.fixture(scope="module")
def reference(sample: Path) -> Reference:
    return Reference.of(sample)


@pytest.fixture(scope="module")
def photos(sample: Path) -> list[bytes]:
    with (sample / "photos.csv").open() as file:
        return [(sample / row["path"]).read_bytes() for row in csv.DictReader(file)][:8]


@pytest.fixture(scope="module")
def pipeline(store: Path) -> Pipeline:
    return Pipeline.open(store / "models", 1)


@pytest.fixture(params=["grpc", "http"])
def client(request: pytest.FixtureRequest, server: Server) -> Client:
    url = server.grpc_url if request.param == "grpc" else server.http_url
    made = Client(url, timeout_s=60, retries=PATIENT)
    request.addfinalizer(made.close)  # noqa: PT021 - the fixture returns, as its params do
    return made


def assert_same(answer: Answer, expected: list[tuple[str, float]]) -> None:
    scores = [score for _, score in expected]
    np.testing.assert_allclose([result.score for result in answer.results], scores, atol=SCORE_TOLERANCE)
    by_id = dict(expected)
    for result, (wanted, score) in zip(answer.results, expected, strict=True):
        assert result.id == wanted or abs(by_id.get(result.id, scores[-1]) - score) < TIE


@pytest.mark.parametrize("text", TEXTS)
def test_text(client: Client, reference: Reference, text: str) -> None:
    assert_same(client.search(text=text, k=10), reference.search(text=text))


def test_photo(client: Client, reference: Reference, photos: list[bytes]) -> None:
    for photo in photos:
        assert_same(client.search(image=photo, k=10), reference.search(image=photo))


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.7, 0.3), (0.0, 1.0), (1.0, -0.5)])
def test_text_and_photo(
    client: Client, reference: Reference, photos: list[bytes], weights: tuple[float, float]
) -> None:
    answer = client.search(text="blue", image=photos[0], weights=weights, k=10)
    assert_same(answer, reference.search("blue", photos[0], weights))


def test_a_filter_gives_the_best_of_what_passes(client: Client, reference: Reference, sample: Path) -> None:
    products = [json.loads(line) for line in (sample / "catalogue.jsonl").read_text().splitlines()]
    passing = {p["id"] for p in products if p["category"][0] == "Kitchen" and p["price"] >= 10 and p["available"]}
    everything = reference.search(text="a red mug", k=len(reference.ids))
    parts = [{"under": ["category", "Kitchen"]}, {"range": ["price", 10, None]}, {"eq": ["available", True]}]
    answer = client.search(text="a red mug", k=1000, filter={"and": parts})
    assert 5 < len(passing) < 100
    assert_same(answer, [pair for pair in everything if pair[0] in passing])


def test_a_business_score_gives_the_best_of_all(client: Client, reference: Reference, sample: Path) -> None:
    products = [json.loads(line) for line in (sample / "catalogue.jsonl").read_text().splitlines()]
    price = {product["id"]: product["price"] for product in products}
    similar = reference.search(text="a red mug", k=len(reference.ids))
    scored = [(name, 0.5 * score - 0.05 * price[name]) for name, score in similar]
    expected = sorted(scored, key=lambda pair: -pair[1])[:10]
    assert {name for name, _ in expected} - {name for name, _ in similar[:20]}
    queries = [Query(text="a red mug", rank="similarity / 2 - 0.05 * price"), Query(text="a red mug")]
    by_business, by_similarity = client.search_many(queries)
    assert_same(by_business, expected)
    assert_same(by_similarity, similar[:10])


def test_nothing_passes_is_an_answer(client: Client) -> None:
    assert client.search(text="a red mug", filter={"eq": ["color", "no such colour"]}).results == ()
    answers = client.search_many([Query(text="a", filter={"eq": ["id", "none"]}), Query(text="b", k=2)])
    assert [len(answer.results) for answer in answers] == [0, 2]


def test_results_carry_the_product(client: Client, sample: Path) -> None:
    (result,) = client.search(text="a red mug", k=1).results
    assert result.title
    assert result.price is not None
    assert (sample / str(result.image)).is_file()
    assert result.attributes["color"]


def test_the_release_is_told(client: Client) -> None:
    assert client.search(text="a red mug").release == 1


def test_k_is_honoured_and_bounded_by_the_catalogue(client: Client, reference: Reference) -> None:
    assert len(client.search(text="red", k=3).results) == 3
    assert len(client.search(text="red", k=1000).results) == len(reference.ids)


def test_a_batch_is_its_rows_one_by_one(client: Client, pipeline: Pipeline, photos: list[bytes]) -> None:
    queries = [Query(text=f"{text} in a batch", k=k) for text, k in zip(TEXTS, (1, 5, 10, 3, 7), strict=True)]
    assert_alone(client.search_many(queries), queries, pipeline)
    queries = [Query(text=text, image=photo, weights=(0.6, 0.4)) for text, photo in zip(TEXTS, photos, strict=False)]
    assert_alone(client.search_many(queries), queries, pipeline)


def test_64_at_a_time_are_answered_as_one_at_a_time(client: Client, pipeline: Pipeline, photos: list[bytes]) -> None:
    words = ["red", "blue", "green", "mug", "chair", "lamp", "striped", "wooden", "small", "large", "hat", "dress"]
    queries = [Query(text=" ".join(words[n % 12 : n % 12 + 1 + n % 9]) + f" {n}", k=1 + n % 10) for n in range(48)]
    queries += [Query(image=photo, k=5) for photo in photos]
    queries += [Query(text=f"{words[n]} {n}", image=photo) for n, photo in enumerate(photos)]
    with ThreadPoolExecutor(64) as pool:
        together = list(pool.map(lambda query: client.search_many([query])[0], queries))
    assert_alone(together, queries, pipeline)


def assert_alone(found: list[Answer], queries: list[Query], pipeline: Pipeline) -> None:
    """Each answer is that of its query alone, in another process that remembers nothing."""
    for answer, query in zip(found, queries, strict=True):
        (hits,) = pipeline.search(
            None if query.text is None else [query.text],
            None if query.image is None else [image_bytes(query.image)],
            weights=query.weights or (1.0, 1.0),
            k=query.k,
        )
        assert_same(answer, [(hit.id, hit.score) for hit in hits])


def test_embeddings_are_unit_vectors_of_the_reference(client: Client, reference: Reference, sample: Path) -> None:
    from tests.end_to_end.reference import embed_texts

    np.testing.assert_allclose(client.embed_text("a red mug"), embed_texts(["a red mug"])[0], atol=1e-4)
    picture = (sample / "images" / f"{reference.ids[0]}.jpg").read_bytes()
    np.testing.assert_allclose(client.embed_image(picture), reference.image[0], atol=1e-4)


def test_embed_product_is_the_row_of_the_index(client: Client, reference: Reference, sample: Path) -> None:
    (result,) = client.search(text="a red mug", k=1).results
    product = {
        "id": result.id,
        "title": result.title,
        "category": result.category,
        "attributes": dict(result.attributes),
    }
    slot = reference.ids.index(result.id)
    row = client.embed_product(product, (sample / str(result.image)).read_bytes())
    np.testing.assert_allclose(row, np.concatenate([reference.text[slot], reference.image[slot]]), atol=1e-4)
    without = client.embed_product(product)
    np.testing.assert_allclose(without[: len(without) // 2], reference.text[slot], atol=1e-4)
    assert not without[len(without) // 2 :].any()
