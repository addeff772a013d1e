from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.audit import Audit
from deploy.cli import app
from deploy.errors import CannotSwitch, SwitchBusy
from deploy.live import Live, write_live
from deploy.operate.planning import plan_pruning
from deploy.operate.pruning import LOCK, locked, prune
from deploy.operate.removing import GONE, Remover
from deploy.operate.service import ControlSocket
from deploy.store import check_release, find_release
from deploy.switching.values import By, Canary, Status, silent
from ensemble.release import Manifest, manifest_path, release_folder, releases
from export import store as export_store
from export.errors import StoreBusy
from export.store import Staging, staging
from tests.deploy.operate.standin import StandIn
from tests.deploy.shop import make_store, write_release

ME = By("me", "the disk is full")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Releases 1 to 6, each with snapshots and a vector space; the newest two share theirs."""
    folder = make_store(tmp_path / "var")
    for number in range(1, 7):
        if number > 1:
            write_release(folder, number, versions=(number - 1, number), ids=[f"{number}5", f"{number}6"])
        snapshot = folder / "snapshots" / f"{number:04d}" / "000000000007"
        snapshot.mkdir(parents=True)
        (snapshot / "vectors.npy").write_bytes(bytes(1000))
        path = manifest_path(folder, number)
        replace(Manifest.load(path), space_id=f"{min(number, 5)}" * 64).save(path)
    return folder


def files(store: Path) -> set[str]:
    return {str(path.relative_to(store)) for path in store.rglob("*") if path.is_file() and path.name != LOCK}


def size(store: Path) -> int:
    return sum((store / name).stat().st_size for name in files(store))


def check_whole(store: Path, *numbers: int) -> None:
    """Exactly these releases are there, whole, and nothing of others."""
    assert tuple(releases(store)) == numbers
    for number in numbers:
        check_release(find_release(store, number))
        assert (store / "snapshots" / f"{number:04d}").is_dir()
        for model in ("length", "rank"):
            assert (store / "models" / model / str(number) / "model.py").is_file()
    versions = {int(path.name) for path in (store / "models").glob("*/*") if path.is_dir() and any(path.iterdir())}
    assert versions == set(numbers)
    assert {int(path.name) for path in (store / "snapshots").iterdir()} == set(numbers)
    assert (store / "models" / "search_text" / "1").is_dir(), "the version that all releases of an ensemble share"
    assert not (store / GONE).exists()


def stopped() -> None:
    """No server runs."""


def status(
    live: int, previous: int | None = None, *, canary: int | None = None, loaded: tuple[int, ...] = ()
) -> Status:
    return Status(live, previous, None if canary is None else Canary(canary, 0.1), loaded, "now")


def test_the_newest_are_kept_and_the_bytes_told_are_those_that_are_gone(store: Path) -> None:
    before, plan = size(store), plan_pruning(store, 3, stopped)
    assert (plan.remove, plan.freed) == ((1, 2, 3), prune(store, 3, stopped, ME, silent).freed)
    (entry,) = Audit(store).all()
    assert before - (size(store) - (store / "audit.jsonl").stat().st_size) == plan.freed
    check_whole(store, 4, 5, 6)
    assert (entry.action, entry.why, entry.told) == (
        "prune",
        "the disk is full",
        f"removed 1, 2, 3: {plan.freed:,} bytes",
    )
    assert prune(store, 3, stopped, ME, silent).removed == ()
    assert len(Audit(store).all()) == 1


def test_what_is_live_and_what_was_before_are_kept(store: Path) -> None:
    write_live(store, Live(2, 1, "now"))
    assert plan_pruning(store, 1, stopped).keep == {
        1: "previous", 2: "live", 5: "the newest release's configs name it", 6: "one of the newest 1",
    }  # fmt: skip
    assert prune(store, 1, stopped, ME, silent).removed == (3, 4)
    check_whole(store, 1, 2, 5, 6)


def test_what_a_server_has_loaded_or_tries_is_kept(store: Path) -> None:
    write_live(store, Live(6, 5, "now"))
    served = status(4, 3, canary=1, loaded=(1, 4))
    assert prune(store, 1, lambda: served, ME, silent).removed == (2,)
    check_whole(store, 1, 3, 4, 5, 6)


def test_a_release_that_is_switched_to_meanwhile_stays_whole(store: Path) -> None:
    asked: Iterator[Status] = iter([status(6, 5)] * 3 + [status(6, 5, loaded=(2, 6))] * 9)
    told: list[str] = []
    assert prune(store, 2, lambda: next(asked), ME, told.append).removed == (1, 3, 4)
    assert "release 2 stays: it is loaded now" in told
    check_whole(store, 2, 5, 6)


def test_while_releases_are_switched_nothing_is_removed(store: Path) -> None:
    busy = replace(status(6, 5), switching="loading release 1")
    with pytest.raises(SwitchBusy, match=r"busy \(loading release 1\): wait for it"):
        prune(store, 1, lambda: busy, ME, silent)
    asked: Iterator[Status] = iter([status(6, 5)] * 3 + [busy])
    with pytest.raises(SwitchBusy):
        prune(store, 1, lambda: next(asked), ME, silent)
    assert releases(store) == [2, 3, 4, 5, 6], "the first was removed, the second put back"
    assert Audit(store).all()[-1].told.startswith("removed 1: ")
    check_whole(store, 2, 3, 4, 5, 6)


def test_an_export_and_a_prune_keep_each_other_out(store: Path) -> None:
    assert export_store.LOCK == LOCK
    with staging(store), pytest.raises(SwitchBusy, match="an export, a prune or a switch works here"):
        prune(store, 1, stopped, ME, silent)
    with locked(store), pytest.raises(StoreBusy), staging(store):
        pass
    check_whole(store, 1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize("parts", [0, 1, 2])
def test_one_that_was_killed_leaves_no_half_release_and_the_next_goes_on(store: Path, parts: int) -> None:
    Remover(store).take_out(1)
    for path in [store / "models" / "length" / "1", store / "snapshots" / "0001"][:parts]:
        shutil.rmtree(path)
    assert releases(store) == [2, 3, 4, 5, 6]
    pruned = prune(store, 5, stopped, ME, silent)
    assert pruned.removed == (1,)
    assert pruned.freed > 0
    check_whole(store, 2, 3, 4, 5, 6)


def test_what_was_taken_out_and_is_in_use_is_left_alone(store: Path) -> None:
    Remover(store).take_out(1)
    assert prune(store, 5, lambda: status(6, loaded=(1, 6)), ME, silent).removed == ()
    assert (store / "models" / "length" / "1" / "model.py").is_file()
    assert prune(store, 5, stopped, ME, silent).removed == (1,)


def test_the_number_of_a_pruned_release_is_not_used_again(store: Path) -> None:
    prune(store, 1, stopped, ME, silent)
    with staging(store) as stage:
        assert stage == Staging(store, 7)


def test_links_are_removed_and_what_they_lead_to_is_not(store: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("dear to somebody")
    for number, link in ((1, store / "snapshots" / "0001"), (2, store / "models" / "rank" / "2")):
        shutil.rmtree(link)
        link.symlink_to(outside)
        (release_folder(store, number) / "link").symlink_to(outside)
    (release_folder(store, 1) / "hard").hardlink_to(outside / "file")
    before, pruned = size(store), prune(store, 4, stopped, ME, silent)
    assert pruned.removed == (1, 2)
    assert (outside / "file").read_text() == "dear to somebody"
    left = size(store) - (store / "audit.jsonl").stat().st_size
    assert pruned.freed == before - left - len("dear to somebody"), "a file with another name frees nothing"
    check_whole(store, 3, 4, 5, 6)


@pytest.mark.parametrize("name", ["releases", "models", "snapshots", "models/length", GONE])
def test_a_store_whose_folders_are_links_is_not_touched(store: Path, tmp_path: Path, name: str) -> None:
    moved = tmp_path / "elsewhere"
    (store / GONE).mkdir()
    (store / name).rename(moved)
    (store / name).symlink_to(moved)
    before = files(moved)
    with pytest.raises(CannotSwitch, match="is a link, and prune removes nothing outside the store"):
        prune(store, 1, stopped, ME, silent)
    assert files(moved) == before


def test_a_release_folder_that_is_a_link_goes_alone(store: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    release_folder(store, 1).rename(moved)
    release_folder(store, 1).symlink_to(moved)
    assert prune(store, 5, stopped, ME, silent).removed == (1,)
    assert (moved / "manifest.json").is_file()


def test_a_release_that_is_not_whole_can_be_removed(store: Path) -> None:
    manifest_path(store, 2).unlink()
    assert prune(store, 4, stopped, ME, silent).removed == (1, 2)
    check_whole(store, 3, 4, 5, 6)


def test_none_is_removed_while_nobody_can_tell_what_is_live(store: Path) -> None:
    (store / "live.json").write_text("nonsense")
    with pytest.raises(CannotSwitch, match="cannot be read"):
        prune(store, 1, stopped, ME, silent)
    with pytest.raises(CannotSwitch, match="`keep` must be at least 1, got 0"):
        prune(store, 0, stopped, ME, silent)
    assert len(releases(store)) == 6


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["prune", *map(str, arguments)], env={"COLUMNS": "200"})


def test_a_dry_run_tells_what_a_run_does(store: Path) -> None:
    before, freed = files(store), plan_pruning(store, 2, stopped).freed
    dry = run("--store", store, "--keep", "2", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert f"would remove 1, 2, 3, 4: {freed:,} bytes" in dry.stdout
    assert "release 5 stays: previous" in dry.stdout
    assert files(store) == before
    real = run("--store", store, "--keep", "2")
    assert "release 4 is removed" in real.stdout
    assert f"{freed:,} bytes are freed" in real.stdout
    for result in (dry, real):
        spaces = [line for line in result.stdout.splitlines() if "python -m catalogue forget" in line]
        assert [line.split()[-1] for line in spaces] == [str(number) * 64 for number in (1, 2, 3, 4)]
    check_whole(store, 5, 6)


def test_a_running_server_is_asked_what_it_needs(store: Path) -> None:
    board = StandIn()
    with contextlib.closing(ControlSocket(store)) as control:
        control.start(board)
        busy = run("--store", store)
        assert (busy.exit_code, "busy (loading release 3)" in busy.stderr) == (1, True)
        board.status = lambda: status(2, 1, canary=3, loaded=(2, 3))  # type: ignore[method-assign]
        done = run("--store", store, "--keep", "1")
    assert done.exit_code == 0, done.output
    assert releases(store) == [1, 2, 3, 5, 6]
    assert json.loads((store / "audit.jsonl").read_text())["action"] == "prune"
