"""The command: rows that are kept, mistakes that are told, and the whole of it in small."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow import Table, parquet
from typer.testing import CliRunner, Result

from export.cli import app
from export.errors import BadComparison
from export.evaluation.embedding import embedded, read_entry


def run(*given: str) -> Result:
    return CliRunner().invoke(app, ["evaluate-tasks", *given], env={"COLUMNS": "200"})


def events_of(shop: Path, folder: Path) -> Path:
    """Baskets of four neighbours in the catalogue; customers come back. Days 1 to 20 of January 2026."""
    ids = [json.loads(line)["id"] for line in shop.read_text("utf-8").splitlines()]
    random = np.random.default_rng(1)
    lines = []
    for basket in range(200):
        first = int(random.integers(len(ids) - 4))
        day = 1 + basket // 10
        row = {"order": f"b{basket}", "customer": f"u{basket % 25}", "time": f"2026-01-{day:02}T10:{basket % 10:02}:00"}
        lines += [row | {"product": ids[first + at]} for at in range(4)]
    path = folder / "events.parquet"
    parquet.write_table(Table.from_pylist(lines), path)
    return path


def test_rows_are_made_once_and_again_for_other_products(towers: Path, shop: Path, tmp_path: Path) -> None:
    told: list[int] = []

    def made(catalogue: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        def start(total: int) -> object:
            told.append(total)
            return lambda _: None

        entry = read_entry(towers, str(catalogue), None)
        return embedded(entry, tmp_path / "kept", start).rows  # type: ignore[arg-type]

    first, again = made(shop), made(shop)
    assert (len(told), first.tolist()) == (1, again.tolist())
    other = shop.with_name("other.jsonl")
    lines = shop.read_text("utf-8").splitlines()
    other.write_text("\n".join(lines[:-1]) + "\n", "utf-8")
    assert made(other).tolist() == first[:-1].tolist()
    assert told == [len(lines), len(lines) - 1]


def test_towers_whose_halves_cannot_be_weighed(towers: Path, shop: Path, tmp_path: Path) -> None:
    other = towers.with_name("shared.toml")
    other.write_text(towers.read_text("utf-8") + "\n[space]\nshared = true\n")
    with pytest.raises(BadComparison, match=r"shared: \[space\]: a shared space needs equal dimensions"):
        embedded(read_entry(other, str(shop), None), tmp_path / "kept", lambda _: pytest.fail("encoded first"))
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--split", "soon"), "isoformat"),
        (("--split", "2026-01-15", "--event-columns", "order"), "COLUMN=NAME"),
        (("--split", "2026-01-15", "--epochs", "-1"), "greater than or equal to 0"),
        (("--split", "2026-01-15", "--resamples", "1"), "greater than or equal to 2"),
        (("--split", "2026-01-15", "--max-basket", "1"), "greater than or equal to 2"),
        (("--split", "2026-01-15", "--out", __file__), "is a file"),
    ],
)
def test_options_that_mean_nothing(more: tuple[str, ...], said: str, tmp_path: Path) -> None:
    result = run("--events", str(tmp_path / "none.parquet"), "--catalogue", "none.jsonl", *more)
    assert result.exit_code == 2
    assert said in result.output


def test_a_catalogue_that_is_not_there(towers: Path, shop: Path, tmp_path: Path) -> None:
    events = str(events_of(shop, tmp_path))
    given = ("--events", events, "--catalogue", str(tmp_path / "none.jsonl"), "--split", "2026-01-15")
    named = ("--event-columns", "basket=order,user=customer")
    result = run(*given, *named, "--towers", str(towers), "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "no such file" in result.output


def test_baselines_without_their_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.evaluation.order.LIBRARIES", ("implicit", "no_such_library"))
    result = run("--events", "none.parquet", "--catalogue", "none.jsonl", "--split", "2026-01-15")
    assert result.exit_code == 2
    assert "no_such_library: pip install 'tandem[evaluate]'" in result.output


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ({"events": "none.parquet"}, "no file none.parquet"),
        ({"event-columns": "user=customer"}, "no column 'basket'"),
        ({"split": "2027-01-01"}, "events are needed before it and after it"),
        ({"tasks": "profiles.toml"}, "no profile called 'complement' or 'inspire'"),
        ({"tasks": "absent.toml"}, "absent.toml"),
        ({"catalogue": "other.jsonl"}, "similar: no basket of the test has two products"),
    ],
)
def test_mistakes_are_told_before_anything_is_encoded(
    planted: dict[str, str], said: str, towers: Path, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encoded(*_: object) -> None:
        pytest.fail("encoded before all inputs were looked at")

    monkeypatch.setattr("export.evaluation.run.embedded", encoded)
    monkeypatch.chdir(tmp_path)
    Path("profiles.toml").write_text('[similar]\ntask = "similar"\n')
    # Ids of no event.
    rows = [json.loads(line) for line in shop.read_text("utf-8").splitlines()]
    Path("other.jsonl").write_text(
        "".join(json.dumps(row | {"id": f"X{row['id']}", "image": None}) + "\n" for row in rows)
    )
    given = {"events": str(events_of(shop, tmp_path)), "event-columns": "basket=order,user=customer"}
    given |= {"catalogue": str(shop), "split": "2026-01-15", "towers": str(towers), "out": "out"}
    result = run(*(part for name, value in (given | planted).items() for part in (f"--{name}", value)))
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split())
    assert not Path("out").exists()


@pytest.mark.slow
def test_the_command_end_to_end(towers: Path, shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(
        *("--events", str(events_of(shop, tmp_path)), "--event-columns", "basket=order,user=customer"),
        *("--catalogue", str(shop), "--split", "2026-01-15", "--towers", str(towers)),
        *("--out", str(out), "--epochs", "1", "--resamples", "50"),
    )
    assert result.exit_code == 0, result.output
    content = json.loads((out / "tasks.json").read_text("utf-8"))
    assert {row["task"] for row in content["rows"]} == {"similar", "complement", "inspire"}
    assert content["baskets"] == {"before": 140, "after": 60}
    assert "tandem-inspire" in result.output
    assert (out / "tasks.md").read_text("utf-8").startswith("# Similar, complement, inspire")
