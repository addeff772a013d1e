from __future__ import annotations

import io
import itertools
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from loadtest.errors import BadTraffic
from loadtest.photos import SIDE, VARIANTS, painted, read_pictures, vary
from loadtest.texts import built_in, read_texts
from loadtest.traffic import Corpus, Traffic, distinct, zipf


def test_the_built_in_texts_are_many_and_all_different() -> None:
    texts = built_in()
    assert len(set(texts)) == len(texts) == 2000
    assert all(not set(one.split()) & set(next_one.split()) for one, next_one in itertools.pairwise(texts[:20]))


def test_texts_are_read_from_lines_and_from_a_catalogue(tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("red mug\n\n  tasse à café \n", encoding="utf-8")
    (tmp_path / "catalogue.jsonl").write_text('{"id": "1", "title": "Red mug"}\n{"id": "2", "title": "Lamp"}\n')
    assert read_texts(tmp_path / "texts.txt") == ("red mug", "tasse à café")
    assert read_texts(tmp_path / "catalogue.jsonl") == ("Red mug", "Lamp")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"\n \n", "has no text"),
        ("other.jsonl", b'{"name": "x"}\n', "not a product with a title"),
        ("list.jsonl", b"[]\n", "not a product with a title"),
        ("latin.txt", b"caf\xe9\n", "cannot read"),
        ("missing.txt", None, "cannot read"),
    ],
)
def test_a_file_without_queries_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadTraffic, match=message) as caught:
        read_texts(tmp_path / name)
    assert name in str(caught.value)


def test_pictures_are_read_evenly_from_a_folder_and_reduced(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for number in range(10):
        Image.new("RGB", (640, 10 + number)).save(tmp_path / "deep" / f"{number}.png")
    pictures = read_pictures(tmp_path, most=5)
    assert [picture.size for picture in pictures] == [(SIDE, 5), (SIDE, 6), (SIDE, 7), (SIDE, 8), (SIDE, 9)]
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(BadTraffic, match=r"cannot read .*broken.jpg"):
        read_pictures(tmp_path)
    with pytest.raises(BadTraffic, match=r"no .* in '.*nowhere'"):
        read_pictures(tmp_path / "nowhere")


def test_every_number_gives_other_pixels_and_the_same_number_the_same() -> None:
    picture = painted(1)[0]
    small = set()
    numbers = (*range(300), *range(300, VARIANTS, 997))
    for number in numbers:
        photo = vary(picture, number)
        with Image.open(io.BytesIO(photo)) as opened:
            small.add(opened.resize((96, 96), Image.Resampling.BILINEAR).tobytes())
    assert len(small) == len(numbers)
    assert vary(picture, 12_345) == vary(picture, 12_345)


def test_distinct_numbers_never_repeat_and_zipf_prefers_the_first() -> None:
    assert list(itertools.islice(distinct(5), 3)) == [5, 6, 7]
    drawn = Counter(itertools.islice(zipf(1.0, 100, seed=1), 5000))
    assert set(drawn) <= set(range(100))
    assert drawn[0] / drawn[9] == pytest.approx(10, rel=0.4)
    assert list(itertools.islice(zipf(1.0, 9, seed=1), 9)) == list(itertools.islice(zipf(1.0, 9, seed=1), 9))


@pytest.mark.parametrize(("exponent", "count"), [(-1.0, 10), (1.0, 0), (float("nan"), 10)])
def test_a_repetition_that_makes_no_sense_is_refused(exponent: float, count: int) -> None:
    with pytest.raises(BadTraffic, match="allowed: an exponent above 0"):
        zipf(exponent, count, seed=0)


def test_the_traffic_gives_each_query_its_own_number() -> None:
    traffic = Traffic(Corpus(("mug", "lamp"), painted(2)), distinct(0), k=3)
    assert [traffic.by_text().text for _ in range(5)] == ["mug", "lamp", "mug 1", "lamp 1", "mug 2"]
    both = traffic.by_both()
    assert (both.text, both.image, both.k) == ("lamp 2", traffic.corpus.photo(5), 3)
    assert traffic.by_photo().model == "search_image"
