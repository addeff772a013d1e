from __future__ import annotations

import json
from pathlib import Path

import pytest

from export.errors import BadQueries
from export.queries import Query, read_queries


def write(folder: Path, *lines: object) -> Path:
    path = folder / "queries.jsonl"
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines), "utf-8")
    return path


def test_texts_and_pictures_with_and_without_answers(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    path = write(
        tmp_path,
        {"text": "rød kopp", "products": ["P1", "P2"]},
        "",
        {"image": "photo.jpg"},
        {"image": str(tmp_path / "photo.jpg"), "products": []},
    )
    queries = read_queries(path)
    assert queries == [
        Query("rød kopp", None, ("P1", "P2")),
        Query(None, tmp_path / "photo.jpg"),
        Query(None, tmp_path / "photo.jpg"),
    ]
    assert [query.label for query in queries] == ["'rød kopp'", "photo.jpg", "photo.jpg"]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"text": "good"},
        "{",
        ["text"],
        {"text": "both", "image": "x.jpg"},
        {"products": ["P1"]},
        {"text": " "},
        {"text": 3},
        {"image": "none.jpg"},
        {"image": ""},
        {"text": "mug", "products": "P1"},
        {"text": "mug", "products": ["P1", ""]},
        {"text": "mug", "label": 1},
    )
    with pytest.raises(BadQueries) as caught:
        read_queries(path)
    expected = [
        ("line 2", "not JSON"),
        ("line 3", "a JSON object"),
        ("line 4", "exactly one of text and image"),
        ("line 4", "image = 'x.jpg'; allowed: the path of a file"),
        ("line 5", "exactly one of text and image"),
        ("line 6", "text = ' '; allowed: a string that is not empty"),
        ("line 7", "text = 3"),
        ("line 8", f"image = 'none.jpg'; allowed: the path of a file, relative to {tmp_path}"),
        ("line 9", "image = ''"),
        ("line 10", "products = 'P1'; allowed: a list of ids"),
        ("line 11", "products = ['P1', '']"),
        ("line 12", "label = 1; no such key; allowed: text, image, products"),
    ]
    assert len(caught.value.problems) == len(expected)
    for (line, said), problem in zip(expected, caught.value.problems, strict=True):
        assert problem.startswith(f"{line}: "), problem
        assert said in problem


@pytest.mark.parametrize("lines", [(), ("", " ")])
def test_a_file_without_queries_is_refused(tmp_path: Path, lines: tuple[str, ...]) -> None:
    with pytest.raises(BadQueries, match="holds no query"):
        read_queries(write(tmp_path, *lines))


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadQueries, match="cannot be read"):
        read_queries(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(BadQueries, match="cannot be read"):
        read_queries(tmp_path / "bytes.jsonl")


@pytest.mark.parametrize(("text", "image"), [(None, None), ("mug", Path("a.jpg")), (" ", None)])
def test_a_query_is_a_text_or_a_picture(text: str | None, image: Path | None) -> None:
    with pytest.raises(ValueError, match="`text`"):
        Query(text, image)
