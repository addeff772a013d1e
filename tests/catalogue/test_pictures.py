from __future__ import annotations

from pathlib import Path

import fsspec
import pytest

from catalogue import Pictures, UnreadablePicture


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
