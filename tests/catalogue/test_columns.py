from __future__ import annotations

from pathlib import Path

import pytest

from catalogue import BadColumns, Columns
from catalogue.columns import AttributeColumn


def test_a_mapping_is_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "columns.toml"
    path.write_text(
        '[columns]\nid = "sku"\n[columns.attributes]\ncolor = "colour"\nw = { column = "g", type = "number" }\n'
    )
    columns = Columns.load(path)
    assert columns.fields["id"] == "sku"
    assert columns.fields["title"] == "title"
    assert columns.attributes == {"color": AttributeColumn("colour"), "w": AttributeColumn("g", "number")}


def test_every_problem_is_told_at_once() -> None:
    table = {
        "titel": "name",
        "id": 5,
        "attributes": {"price": "p", "a": {"column": "x", "type": "date"}, "b": {"colum": "x"}, "c": 3},
    }
    with pytest.raises(BadColumns) as caught:
        Columns.from_table(table, source="here.toml")
    assert [line.split(" = ")[0] for line in caught.value.problems] == [
        "columns.attributes.price",
        "columns.attributes.a",
        "columns.attributes.b",
        "columns.attributes.c",
        "columns.titel",
        "columns.id",
    ]
    assert "here.toml: 6 problem(s)" in str(caught.value)


@pytest.mark.parametrize("content", ["", "columns = 3", "[columns", "[other]\nid = 'x'"])
def test_a_file_without_a_mapping_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "c.toml").write_text(content)
    with pytest.raises(BadColumns, match=r"c\.toml"):
        Columns.load(tmp_path / "c.toml")
