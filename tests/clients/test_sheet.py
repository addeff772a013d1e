from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from clients import sheet
from clients.pictures import fit, open_picture, product_picture
from clients.values import Answer, Query, Result

RED, BLUE = (220, 20, 30), (20, 30, 220)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop" / "images").mkdir(parents=True)
    Image.new("RGB", (400, 400), RED).save(tmp_path / "shop" / "images" / "red.png")
    Image.new("RGB", (400, 400), BLUE).save(tmp_path / "secret.png")
    (tmp_path / "shop" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n, not")
    return tmp_path / "shop"


def answer(*images: str | None) -> Answer:
    results = tuple(
        Result(f"p{rank}", 0.5, f"Product {rank}", price=3, image=image) for rank, image in enumerate(images)
    )
    return Answer(1, 0, results)


def test_the_sheet_shows_the_photo_and_the_pictures(shop: Path) -> None:
    drawn = sheet.contact_sheet(
        Query("a mug", encoded(Image.new("RGB", (90, 90), BLUE))), answer("images/red.png", None), shop
    )
    middle = sheet.CARD[0] // 2
    row = sheet.MARGIN + sheet.HEADER + sheet.GAP + sheet.CARD[0] // 2
    assert drawn.getpixel((sheet.MARGIN + sheet.HEADER // 2, sheet.MARGIN + sheet.HEADER // 2)) == BLUE
    assert drawn.getpixel((sheet.MARGIN + middle, row)) == RED
    assert drawn.getpixel((sheet.MARGIN + sheet.CARD[0] + sheet.GAP + middle, row)) not in (RED, BLUE)


@pytest.mark.parametrize(("count", "rows"), [(0, 0), (1, 1), (5, 1), (6, 2), (1000, sheet.MOST_CARDS // sheet.COLUMNS)])
def test_the_sheet_is_as_high_as_its_rows(shop: Path, count: int, rows: int) -> None:
    drawn = sheet.contact_sheet(Query("a"), answer(*[None] * count), shop)
    assert drawn.size == (sheet.WIDTH, 2 * sheet.MARGIN + sheet.HEADER + rows * (sheet.CARD[1] + sheet.GAP))


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "missing.png",
        "broken.png",
        "../secret.png",
        "/etc/passwd",
        "images",
        "a\0b",
        "x" * 5000,
        "http://localhost/a.png",
    ],
)
def test_a_picture_that_cannot_be_shown_is_none(shop: Path, name: str | None) -> None:
    assert product_picture(shop, name) is None


def test_a_link_out_of_the_folder_is_not_followed(shop: Path) -> None:
    (shop / "link.png").symlink_to(shop.parent / "secret.png")
    assert product_picture(shop, "link.png") is None


def test_pictures_are_upright_and_on_white() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = open_picture(encoded(Image.new("RGB", (40, 20), RED), "JPEG", exif=exif))
    clear = open_picture(encoded(Image.new("RGBA", (8, 8), (0, 0, 0, 0))))
    assert turned is not None
    assert clear is not None
    assert turned.size == (20, 40)
    assert clear.getpixel((4, 4)) == (255, 255, 255)


def test_a_pixel_bomb_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.new("L", (300, 300)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300 * 200)
    assert open_picture(data) is None
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_picture(data) is None


def test_a_picture_is_fitted_whole() -> None:
    fitted = fit(Image.new("RGB", (200, 100), RED), 50, "grey")
    assert fitted.size == (50, 50)
    assert (fitted.getpixel((25, 25)), fitted.getpixel((25, 2))) == (RED, (255, 255, 255))


@given(st.text(max_size=200), st.integers(4, 40), st.integers(1, 3))
def test_wrapped_text_stays_within_its_box(text: str, width: int, lines: int) -> None:
    wrapped = sheet.wrap(text, len, width, lines=lines)
    assert len(wrapped) <= lines
    assert all(len(line) <= width for line in wrapped)
    if len(" ".join(text.split())) <= width:
        assert " ".join(wrapped) == " ".join(text.split())


@pytest.mark.parametrize(
    "query",
    [
        Query(b"\xff\xfe"),
        Query("\ud800 \u4e2d\u6587 \n\t" * 50),
        Query("", b"not a picture", (1, -1), 3, {"eq": ["id", "x" * 500]}),
    ],
)
def test_any_query_can_be_drawn(query: Query, tmp_path: Path) -> None:
    sheet.write_sheet(tmp_path / "sheet.png", sheet.contact_sheet(query, answer(None), tmp_path))
    assert (tmp_path / "sheet.png").stat().st_size > 0
