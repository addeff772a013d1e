from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.errors import DamagedRelease
from ensemble.hashing import sha256
from ensemble.index import Index, IndexBuilder, load, save
from tests import tiny
from tests.ensemble.journal_twin import SPACE, TwinCatalogue, TwinIndex, index_of

ROWS = np.random.default_rng(3).normal(size=(12, 6)).astype(np.float32)
FILES = (
    "vectors.npy",
    "documents.npy",
    "document_ends.npy",
    "ids_text.npy",
    "ids_places.npy",
    "unembedded_places.npy",
    "column_0.npy",
    "column_0_text.npy",
    "index.json",
    "index.json.sha256",
)


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    builder = IndexBuilder(SPACE, catalogue_id="catalogue-a", seq=7)
    builder.add(tiny.products(12), ROWS)
    builder.save(tmp_path / "index")
    return tmp_path / "index"


def test_round_trip(snapshot: Path) -> None:
    slots = load(snapshot, space_id="space-a")
    assert [slots.product(slot) for slot in range(12)] == tiny.products(12)
    assert slots.ids(np.array([3, 0])) == ["P003", "P000"]
    assert slots.find(["P003", "nobody", "P000"]).tolist() == [3, -1, 0]
    assert slots.columns["price"].kind == "number"
    assert (slots.seq, slots.catalogue_id) == (7, "catalogue-a")
    assert isinstance(slots.base.base, np.memmap)
    np.testing.assert_array_equal(slots.base, ROWS.astype(np.float16))


def test_the_hashes_of_all_files_are_told(snapshot: Path) -> None:
    told = save(load(snapshot), snapshot.with_name("again"))
    assert told == {path.name: sha256(path) for path in snapshot.with_name("again").iterdir()}


def test_an_index_that_lived_is_saved_without_its_dead_slots(tmp_path: Path) -> None:
    catalogue = TwinCatalogue()
    for number in range(20):
        attributes = {"color": "red" if number < 5 else "blue", "size": number}
        catalogue.upsert({"id": f"P{number}", "title": "x", "attributes": attributes}, ROWS[number % 12] + number)
    index = index_of(catalogue)
    for number in range(5):
        catalogue.delete(f"P{number}")
    for number in range(5, 9):
        catalogue.upsert({"id": f"P{number}", "title": "y", "attributes": {"color": "café"}}, ROWS[number] * 2)
    catalogue.patch("P10", price=3.5)
    catalogue.upsert({"id": "waiting", "title": "z"})
    index.apply(catalogue.changes(index.seq))
    index.save(tmp_path)
    opened = Index.open(tmp_path, space_id="space-a")
    assert (opened.seq, opened.live, opened.dead, opened.unembedded) == (catalogue.head, 15, 0, 1)
    assert list(opened.slots.stored["color"].words.since(0)) == ["blue", "café"]
    for text in (None, {"eq": ["color", "café"]}, {"range": ["price", 3, 4]}, {"eq": ["size", 12]}):
        filters = None if text is None else [json.dumps(text).encode()]
        (hits,) = opened.search(ROWS[:1], [100], filters)
        assert opened.slots.ids(hits.slots) == TwinIndex(catalogue).search(opened.seq, ROWS[0], 100, text)
    catalogue.embed("waiting", ROWS[11])
    opened.apply(catalogue.changes(opened.seq))
    assert (opened.live, opened.unembedded) == (16, 0)


def test_an_empty_index_is_saved(tmp_path: Path) -> None:
    IndexBuilder(SPACE).save(tmp_path)
    index = Index.open(tmp_path)
    (hits,) = index.search(ROWS[:1], [5])
    assert hits.slots.tolist() == []


def test_two_names_of_one_hash_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ensemble.index.names.hashes", lambda names: np.zeros(len(names), np.uint64))
    builder = IndexBuilder(SPACE)
    builder.add(tiny.products(12), ROWS)
    builder.save(tmp_path)
    slots = load(tmp_path)
    assert slots.find(["P011", "P003", "nobody"]).tolist() == [11, 3, -1]


def test_a_process_of_another_locale_reads_the_same_words(tmp_path: Path) -> None:
    """Triton starts its models where text is ASCII unless said otherwise."""
    builder = IndexBuilder(SPACE)
    builder.add([{"id": "Käse", "title": "Jalapeño 5°", "attributes": {"maker": "Łódź"}}], np.ones((1, 6), np.float32))
    builder.save(tmp_path)
    code = "import sys; from ensemble.index import load; load(__import__('pathlib').Path(sys.argv[1]))"
    environment = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONPATH": str(Path.cwd())}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)


def test_another_space_is_refused(snapshot: Path) -> None:
    with pytest.raises(DamagedRelease, match="an index of space space-a, but queries are of space space-b"):
        load(snapshot, space_id="space-b")


@pytest.mark.parametrize("name", FILES)
def test_damage_is_named(snapshot: Path, name: str) -> None:
    whole = (snapshot / name).read_bytes()
    for at in (0, len(whole) // 2, len(whole) - 2):
        flipped = bytearray(whole)
        flipped[at] ^= 1
        (snapshot / name).write_bytes(flipped)
        with pytest.raises(DamagedRelease, match=r"index\.json|altered" if "index" in name else f"{name}: altered"):
            load(snapshot)
    (snapshot / name).write_bytes(whole[:-3])
    with pytest.raises(DamagedRelease, match=f"{name}|index.json"):
        load(snapshot)
    (snapshot / name).unlink()
    with pytest.raises(DamagedRelease, match=f"{name}: (missing|cannot be read)"):
        load(snapshot)
    (snapshot / name).write_bytes(whole)
    assert len(load(snapshot)) == 12


@pytest.mark.parametrize("version", [1, 99, None])
def test_a_header_of_another_format_is_refused(snapshot: Path, version: int | None) -> None:
    header: dict[str, Any] = json.loads((snapshot / "index.json").read_text())
    (snapshot / "index.json").write_text(json.dumps(header | {"format": version}))
    with pytest.raises(DamagedRelease, match=f"format {version}; this version reads 2, so make a new release"):
        load(snapshot)


@pytest.mark.parametrize("text", ["{", "[]", "", "null", "\xff"])
def test_a_header_that_is_none_is_refused(snapshot: Path, text: str) -> None:
    (snapshot / "index.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(DamagedRelease, match=r"index\.json: cannot be read"):
        load(snapshot)
