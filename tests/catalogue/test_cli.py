"""The command line, run as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from catalogue.cli import app
from catalogue.cli_interrupts import Interrupts
from catalogue.cli_shared import FAILED, INTERRUPTED, MISTAKE, UNAVAILABLE
from catalogue.database import Database, Entry
from tests.catalogue.making import SPACE, entry, product, put

Run = Callable[..., Result]

ROWS: list[dict[str, Any]] = [
    {"sku": "b", "name": "Blue mug", "price": 4.5, "attributes": {"color": "blue", "ml": 300}},
    {"sku": "a", "name": "Red mug", "price": None, "attributes": {"color": "red"}},
]
COLUMNS = '[columns]\nid = "sku"\ntitle = "name"\n'


@pytest.fixture
def run(database_url: str) -> Run:
    """Run a command on a catalogue."""

    def call(*arguments: str, given: str | None = None, url: str = database_url) -> Result:
        return CliRunner().invoke(app, [*arguments, "--catalogue", url], input=given)

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "columns.toml").write_text(COLUMNS)
    return written(tmp_path / "shop.jsonl", ROWS)


def written(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def lines(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_products_are_written_changed_shown_and_removed(run: Run) -> None:
    assert "at 0" in run("init").stdout
    assert lines(run("upsert", '{"id": "a", "title": "Mug", "attributes": {"ml": 300}}')) == [{"id": "a", "seq": 1}]
    two = '{"id": "b", "title": "Lamp"}\n\n{"id": "c", "title": "Chair", "price": 9}\n'
    assert lines(run("upsert", given=two)) == [{"id": "b", "seq": 2}, {"id": "c", "seq": 3}]
    assert lines(run("patch", '{"id": "a", "price": 3, "attributes": {"ml": null}}')) == [{"id": "a", "seq": 4}]
    (shown, other) = lines(run("get", "a", "c"))
    assert (shown["price"], shown["attributes"], other["title"]) == (3.0, {}, "Chair")
    assert lines(run("delete", "c", "x")) == [
        {"id": "c", "seq": 5, "found": True},
        {"id": "x", "seq": 5, "found": False},
    ]
    journal = lines(run("journal", "--after", "3"))
    assert [(line["seq"], line["kind"], line["id"]) for line in journal] == [(4, "patch", "a"), (5, "delete", "c")]
    refused = run("trim", "5")
    assert refused.exit_code == MISTAKE
    assert "allowed: below 5, where the catalogue is; or --force" in refused.stderr
    assert run("trim", "4").stdout == "the journal begins after 4\n"
    assert len(lines(run("journal"))) == 1
    assert run("trim", "5", "--force").stdout == "the journal begins after 5\n"


def test_a_line_ends_where_json_says_so(run: Run) -> None:
    run("init")
    title = "a\u2028b\x85c"
    assert lines(run("upsert", given=json.dumps({"id": "a", "title": title}, ensure_ascii=False) + "\r\n")) == [
        {"id": "a", "seq": 1}
    ]
    assert json.loads(run("get", "a").stdout.rstrip("\n"))["title"] == title


def test_a_list_of_problems_that_cannot_be_written_is_told(run: Run, file: Path) -> None:
    result = run("load", str(file), "--problems", str(file.parent / "missing" / "x.jsonl"))
    assert (result.exit_code, "x.jsonl: cannot be written: No such file" in result.stderr) == (MISTAKE, True), result


def test_a_status_tells_what_there_is(run: Run, database: Database) -> None:
    put(database, entry("a", 1, attributes={"ml": 300}), entry("b"))
    (told,) = lines(run("status", "--json"))
    assert (told["seq"], told["products"], told["columns"]) == (2, 2, {"ml": "number"})
    assert told["spaces"] == {SPACE.space_id: {"text_dim": 3, "image_dim": 2, "unembedded": 1}}
    assert told["journal"] == {"entries": 2, "trimmed": 0}
    table = run("status").stdout
    assert "unembedded" in table
    assert database.catalogue_id in table
    assert run("forget", SPACE.space_id).exit_code == 0
    refused = run("forget", "unheard")
    assert (refused.exit_code, refused.stderr) == (MISTAKE, "error: space unheard: allowed: none is registered\n")


def test_a_file_is_loaded_exported_and_loaded_again(run: Run, file: Path, tmp_path: Path) -> None:
    columns = ["--columns", str(file.parent / "columns.toml")]
    assert "2 written, 0 the same already, 0 removed; the catalogue is at 2" in run("load", str(file), *columns).stdout
    assert "0 written, 2 the same already, 0 removed" in run("load", str(file), *columns).stdout
    written(file, ROWS[:1])
    assert "0 written, 1 the same already, 1 removed" in run("load", str(file), *columns, "--replace").stdout
    for name in ("out.jsonl", "out.parquet"):
        exported = run("export", str(tmp_path / name))
        assert "1 products, as the catalogue is at 3" in exported.stdout
        assert f"load with --pictures {file}" in exported.stderr
        fresh = f"sqlite:///{tmp_path / name}.sqlite"
        loaded = run("load", str(tmp_path / name), "--pictures", str(file), url=fresh)
        assert "1 written" in loaded.stdout
        assert run("get", "b", url=fresh).stdout == run("get", "b").stdout
        assert json.loads(run("status", "--json", url=fresh).stdout)["pictures"] == str(file)


def test_pictures_travel_with_an_export(run: Run, database: Database, tmp_path: Path) -> None:
    put(database, Entry(product("a"), b"picture"))
    run("export", str(tmp_path / "out.jsonl"))
    run("load", str(tmp_path / "out.jsonl"), url=f"sqlite:///{tmp_path / 'fresh.sqlite'}")
    with Database.open(f"sqlite:///{tmp_path / 'fresh.sqlite'}") as fresh:
        (stored,) = fresh.products()
        assert fresh.picture(stored, 100) == b"picture"


def test_all_bad_rows_are_told_and_nothing_is_written(run: Run, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": "a", "title": "Mug"},
        {"id": "b"},
        {"id": "c", "title": "Mug", "attributes": {"t": "x" * 70_000}},
    ]
    path, listed = written(tmp_path / "c.jsonl", rows), tmp_path / "problems.jsonl"
    refused = run("load", str(path), "--problems", str(listed))
    assert refused.exit_code == MISTAKE
    assert "2 bad row(s)" in refused.stderr
    assert "row 2: title" in refused.stderr
    assert "row 3: product = 'c'" in refused.stderr
    assert "--skip-bad-rows" in refused.stderr
    assert [json.loads(line)["row"] for line in listed.read_text().splitlines()] == [2, 3]
    skipped = run("load", str(path), "--skip-bad-rows")
    assert "1 written" in skipped.stdout
    assert "2 bad row(s) were left out" in skipped.stderr


@pytest.mark.parametrize(
    ("arguments", "given", "code", "said"),
    [
        (["upsert", '{"id": "a"}'], None, MISTAKE, "product 'a': title = None; allowed: a column 'title'"),
        (["upsert"], '{"id": "a", "title": "x"}\n{\n', MISTAKE, "line 2: product: '{'; allowed: one JSON object"),
        (["patch", '{"id": "x", "price": 1}'], None, MISTAKE, "patch of product 'x': there is no such product"),
        (
            ["patch", '{"id": "x", "title": "y"}'],
            None,
            MISTAKE,
            "title = 'y'; allowed: price, available and attributes",
        ),
        (["upsert"], "\n", MISTAKE, "nothing was given; allowed: one JSON object as the argument"),
        (["patch", "-"], "", MISTAKE, "nothing was given; allowed: one JSON object as the argument"),
        (["journal", "--after", "99999999999999999999"], None, MISTAKE, "--after"),
        (["trim", "99999999999999999999"], None, MISTAKE, "Invalid value for 'N'"),
        (["delete", ""], None, MISTAKE, "id = ''; allowed: 1 to 256 characters"),
        (["get", "x", "y"], None, MISTAKE, "no such product: x, y"),
        (["load", "missing.jsonl"], None, MISTAKE, "missing.jsonl: no such file"),
        (["export", "out.xlsx"], None, MISTAKE, "out.xlsx: unknown format"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(
    run: Run, arguments: list[str], given: str | None, code: int, said: str
) -> None:
    run("init")
    result = run(*arguments, given=given)
    assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
    assert json.loads(run("status", "--json").stdout)["seq"] == 0


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("sqlite:///missing.sqlite", UNAVAILABLE, "make one with: python -m catalogue init"),
        ("postgresql+psycopg://shop:secret@127.0.0.1:1/shop", UNAVAILABLE, "cannot be reached"),
        ("mysql://shop:secret@localhost/shop", MISTAKE, "allowed: sqlite:///FILE"),
    ],
)
def test_a_database_that_is_not_there(tmp_path: Path, monkeypatch: Any, url: str, code: int, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TANDEM_CATALOGUE", url)
    for command in (["status"], ["upsert", '{"id": "a", "title": "x"}'], ["journal"]):
        result = CliRunner().invoke(app, command)
        assert (result.exit_code, said in result.stderr) == (code, True), result.stderr
        assert "secret" not in result.output
    assert FAILED not in (UNAVAILABLE, MISTAKE)


def size_of(path: Path) -> int:
    """Bytes of a file, none where it is not there: SQLite makes its log and removes it as it likes."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def test_an_interrupted_load_leaves_nothing(tmp_path: Path) -> None:
    rows = [{"id": f"p{number}", "title": "Mug" * 500} for number in range(20_000)]
    path, url = written(tmp_path / "c.jsonl", rows), f"sqlite:///{tmp_path / 'c.sqlite'}"
    Database.open(url, create=True).close()
    # More than the cache holds, so that the log of what is to be committed grows long before the commit.
    wal = tmp_path / "c.sqlite-wal"
    command = [sys.executable, "-m", "catalogue", "load", str(path), "--catalogue", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ)) as process:
        while process.poll() is None and not size_of(wal):
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, b"interrupted: nothing was written" in told) == (INTERRUPTED, True), told
    with Database.open(url) as database:
        assert database.head() == 0
        assert list(database.products()) == []


def test_a_write_that_is_being_committed_is_not_interrupted() -> None:
    interrupts, before = Interrupts(), signal.getsignal(signal.SIGINT)
    with interrupts.watched():
        with interrupts.held():
            raised(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        with pytest.raises(KeyboardInterrupt), interrupts.held():
            raised(signal.SIGTERM)
        assert interrupts.forced
    assert signal.getsignal(signal.SIGINT) is before


def raised(number: signal.Signals) -> None:
    """Raise a signal, and give its handler time: beside other threads Python may not run it at once."""
    signal.raise_signal(number)
    for _ in range(100):
        time.sleep(0.001)
