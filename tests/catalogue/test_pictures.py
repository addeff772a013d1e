from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from catalogue import Pictures, UnreadablePicture
from catalogue.pictures import folder_of, is_below, normalised


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    shop = tmp_path / "shop"
    (shop / "images").mkdir(parents=True)
    (shop / "images" / "a.jpg").write_bytes(b"picture a")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "shop2").mkdir()
    (tmp_path / "shop2" / "b.jpg").write_bytes(b"other shop")
    return Pictures(str(shop / "c.jsonl"), max_bytes=100)


@pytest.mark.parametrize(
    "name", ["images/a.jpg", "./images/../images/a.jpg", "{shop}/images/a.jpg", "file://{shop}/images/a.jpg"]
)
def test_a_picture_below_the_folder_is_read(pictures: Pictures, name: str) -> None:
    assert pictures.read(name.format(shop=pictures.folder)) == b"picture a"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.jpg",
        "images/../../secret.jpg",
        "{shop}/../secret.jpg",
        "{shop}2/b.jpg",
        "/etc/passwd",
        "file:///etc/passwd",
        "http://127.0.0.1/a.jpg",
        "s3://bucket/a.jpg",
        "memory://a.jpg",
        "images/a.jpg\x00",
        "images/%2e%2e/%2E%2E/secret.jpg",
        ".",
    ],
)
def test_a_path_that_leaves_the_folder_is_refused(pictures: Pictures, name: str) -> None:
    with pytest.raises(UnreadablePicture, match="below the catalogue's folder"):
        pictures.read(name.format(shop=pictures.folder))


@pytest.mark.parametrize(("name", "said"), [("images/none.jpg", "there is none"), ("images", "can be read")])
def test_a_picture_that_cannot_be_read_is_named(pictures: Pictures, name: str, said: str) -> None:
    with pytest.raises(UnreadablePicture, match=said) as caught:
        pictures.read(name)
    assert name in str(caught.value)


def test_no_more_is_read_than_shows_that_it_is_too_much(pictures: Pictures) -> None:
    (Path(pictures.folder) / "huge.jpg").write_bytes(b"x" * 1000)
    assert len(pictures.read("huge.jpg")) == 101


def test_pictures_of_a_remote_catalogue_are_read_from_beside_it() -> None:
    with fsspec.open("memory://store/images/a.jpg", "wb") as file:
        file.write(b"remote")
    pictures = Pictures("memory://store/c.jsonl", max_bytes=100)
    assert pictures.read("images/a.jpg") == b"remote"
    assert pictures.read("memory://store/images/a.jpg") == b"remote"
    with pytest.raises(UnreadablePicture):
        pictures.read("memory://elsewhere/a.jpg")


@pytest.mark.parametrize(
    ("location", "folder"),
    [
        ("https://shop.example/feed/c.jsonl", "https://shop.example/feed"),
        ("https://shop.example/c.jsonl?token=a/b#c", "https://shop.example"),
        ("https://shop.example/feed/../other//./c.jsonl", "https://shop.example/other"),
        ("bucket/feed/c?.jsonl", "bucket/feed"),
        ("/data/shop/c.jsonl", "/data/shop"),
        ("/c.jsonl", ""),
    ],
)
def test_the_folder_of_a_catalogue_keeps_its_protocol(location: str, folder: str) -> None:
    assert folder_of(location) == folder


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("https://shop.example/feed/images/a.jpg", True),
        ("https://shop.example/feed/images/../a.jpg", True),
        ("https://shop.example/feed/../a.jpg", False),
        ("https://shop.example/feed2/a.jpg", False),
        ("https://other.example/feed/a.jpg", False),
        ("http://shop.example/feed/a.jpg", False),
    ],
)
def test_a_web_address_is_judged_after_its_protocol(path: str, below: bool) -> None:
    assert is_below("https://shop.example/feed", normalised(path)) is below


@pytest.mark.parametrize("name", ["images/a.jpg", "./images/x/../a.jpg", "https://shop.example/feed/images/a.jpg"])
def test_pictures_of_a_web_catalogue_have_a_web_address(name: str) -> None:
    pytest.importorskip("aiohttp", reason="fsspec reads web addresses with aiohttp")
    pictures = Pictures("https://shop.example/feed/c.jsonl?day=1", max_bytes=100)
    assert pictures.resolve(name) == "https://shop.example/feed/images/a.jpg"
    for outside in ("../a.jpg", "%2e%2e/a.jpg", "https://shop.example/a.jpg", "http://127.0.0.1/a.jpg", "/a.jpg"):
        with pytest.raises(UnreadablePicture):
            pictures.resolve(outside)
