"""``python -m deploy status | activate | rollback | canary | audit``: over a stopped store, and before a stand-in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.audit import Audit
from deploy.cli import app
from deploy.errors import CannotSwitch, SwitchFailed
from deploy.live import Live, read_live, write_live
from deploy.operate.cli import read_share
from deploy.operate.client import this_user
from deploy.store import find_release
from deploy.switching.values import By
from ensemble.release import release_folder
from tests.deploy.operate.standin import StandIn, raising
from tests.deploy.shop import make_store, write_release


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[│┃┡┩┏┓└┘━─╇┳┴┼]", " ", text))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of releases 1 to 3 that no server serves."""
    return make_three(tmp_path / "var")


def make_three(folder: Path) -> Path:
    make_store(folder)
    for number in (2, 3):
        write_release(folder, number, versions=(number - 1, number), ids=[f"{number}5", f"{number}6"])
    return folder


@pytest.fixture
def served(place: Path, standin: StandIn) -> StandIn:
    """The same before a stand-in for its server; release 2 is live, 3 on trial."""
    make_three(place)
    return standin


def told(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


def states(result: Result) -> dict[int, list[str]]:
    return {one["number"]: one["states"] for one in told(result)["releases"]}


def test_status_tells_what_would_be_served(store: Path) -> None:
    found = told(run("status", "--store", store, "--json"))
    assert (found["running"], found["status"]["live"], found["status"]["previous"]) == (False, 3, 2)
    assert states(run("status", "--store", store, "--json")) == {1: [], 2: ["previous"], 3: ["live"]}
    shown = plain(run("status", "--store", store).stdout)
    assert "3 now cpu live" in shown
    assert "no server runs; release 3 would be served, `rollback` goes to 2" in shown


def test_status_tells_what_a_server_answers_from(place: Path, served: StandIn) -> None:
    Audit(place).add("watch", "activate", 2, 1, why="a test", outcome="failed", seconds=1, told="it does not answer")
    (place / "models" / "length" / "3" / "model.py").unlink()
    result = run("status", "--store", place, "--json")
    assert told(result)["running"]
    assert told(result)["status"]["canary"] == {"release": 3, "share": 0.25}
    assert states(result) == {1: ["previous", "failed"], 2: ["live"], 3: ["canary 25%", "loaded", "damaged"]}
    shown = plain(run("status", "--store", place).stdout)
    assert "release 2 is live, `rollback` goes to 1 just now: loading release 3" in shown
    assert "watch activate 2 → 1 failed it does not answer a test" in shown


def test_a_release_that_failed_once_and_then_did_not_is_not_called_failed(place: Path, served: StandIn) -> None:
    audit = Audit(place)
    for outcome in ("failed", "done", "refused"):
        audit.add("me", "activate", 2, 1, why="", outcome=outcome, seconds=1, told="")
    assert states(run("status", "--store", place, "--json"))[1] == ["previous"]


def test_without_a_server_the_next_start_serves_what_was_activated(store: Path) -> None:
    result = run("activate", "1", "--store", store, "--why", "as it was in May")
    assert result.exit_code == 0, result.output
    assert "release 1 is what the next start serves; no server runs now" in result.stdout
    live = read_live(store)
    assert live is not None
    assert (live.release, live.previous) == (1, 3)
    assert find_release(store).number == 1
    (entry,) = Audit(store).all()
    assert (entry.who, entry.action, entry.before, entry.after) == (this_user(), "activate", 3, 1)
    assert (entry.why, entry.outcome) == ("as it was in May", "done")
    assert "as it was in May" in run("audit", "--store", store).stdout


def test_rollback_goes_back_and_then_further_back(store: Path) -> None:
    for expected in (2, 1):
        assert run("rollback", "--store", store).exit_code == 0
        assert find_release(store).number == expected
    result = run("rollback", "--store", store)
    assert result.exit_code == 1
    assert "there is no release before 1 to go back to" in result.stderr
    assert find_release(store).number == 1
    assert [entry.outcome for entry in Audit(store).all()] == ["done", "done", "refused"]


def test_the_newest_can_be_held_on_to(store: Path) -> None:
    assert run("activate", "3", "--store", store).exit_code == 0
    write_release(store, 4, versions=(3, 4), ids=["45", "46"])
    assert find_release(store).number == 3
    assert read_live(store).previous == 2  # type: ignore[union-attr]
    again = run("activate", "3", "--store", store)
    assert (again.exit_code, "release 3 is live already" in again.stderr) == (1, True)


def test_what_cannot_be_served_is_refused(store: Path) -> None:
    result = run("activate", "9", "--store", store)
    assert result.exit_code == 1
    assert "holds no release 9; there are: 1, 2, 3" in result.stderr
    (store / "models" / "length" / "2" / "model.py").write_text("other")
    result = run("activate", "2", "--store", store)
    assert result.exit_code == 1
    assert "release 2 is damaged: missing, or not what was made:" in result.stderr
    assert read_live(store) is None
    assert [(entry.after, entry.outcome) for entry in Audit(store).all()] == [(9, "refused"), (2, "refused")]
    assert run("activate", "0", "--store", store).exit_code == 2


def test_a_note_that_cannot_be_read_is_mended_by_activating(store: Path) -> None:
    (store / "live.json").write_text("nonsense")
    result = run("status", "--store", store)
    assert result.exit_code == 1
    assert "name the release anew: `python -m deploy activate" in result.stderr
    assert run("activate", "3", "--store", store).exit_code == 0
    assert find_release(store).number == 3


def test_an_empty_store_is_told(tmp_path: Path) -> None:
    for command in (("status",), ("activate", "1"), ("rollback",), ("prune",)):
        result = run(*command, "--store", tmp_path / "empty")
        assert result.exit_code == 1, result.output
        assert "holds no release: make one with" in result.stderr
    assert not (tmp_path / "empty").exists()
    assert "nothing was ever switched" in run("audit", "--store", tmp_path).stderr


def test_a_running_server_is_asked(place: Path, served: StandIn) -> None:
    result = run("activate", "3", "--store", place, "--why", "better")
    assert result.exit_code == 0, result.output
    assert result.stdout == "release 3 is live (1.5 s)\n"
    assert result.stderr.splitlines() == ["loading release 3", "moving the names"]
    run("rollback", "--store", place)
    run("canary", "3", "--share", "10%", "--store", place)
    run("canary", "--end", "--store", place)
    me = this_user()
    assert served.asked == [
        ("activate", 3, 0.0, By(me, "better")), ("rollback", 1, 0.0, By(me)),
        ("canary", 3, 0.1, By(me)), ("end_canary", 2, 0.0, By(me)),
    ]  # fmt: skip
    assert read_live(place) is None, "the server writes it"


def test_what_the_server_refuses_is_told(place: Path, served: StandIn) -> None:
    served.during = raising(SwitchFailed("release 3 does not answer; release 2 answers again"))
    result = run("activate", "3", "--store", place)
    assert result.exit_code == 1
    assert "error: release 3 does not answer; release 2 answers again" in result.stderr


def test_ctrl_c_does_not_stop_the_switch(place: Path, served: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deploy.operate.Operator.activate", interrupted)
    result = run("activate", "3", "--store", place)
    assert result.exit_code == 130
    assert "stopped waiting; a switch that was begun is finished" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("3",), "name the release and its share, as in `canary 4 --share 10%`"),
        (("--share", "10%"), "name the release and its share"),
        (("3", "--end"), "--end takes neither a release nor --share"),
        (("3", "--share", "150%"), "--share 150%: allowed are 0% to 100%"),
    ],
)
def test_half_an_order_is_refused(place: Path, served: StandIn, arguments: tuple[str, ...], problem: str) -> None:
    result = run("canary", *arguments, "--store", place)
    assert result.exit_code == 1
    assert problem in result.stderr
    assert served.asked == []


def test_a_canary_needs_a_server(store: Path) -> None:
    result = run("canary", "2", "--share", "10%", "--store", store)
    assert result.exit_code == 1
    assert "start it with `python -m deploy serve`" in result.stderr


@pytest.mark.parametrize(
    ("written", "share"), [("10%", 0.1), (" 2.5 %", 0.025), ("0.1", 0.1), ("0%", 0.0), ("100%", 1.0), ("0", 0.0)]
)
def test_shares_as_people_write_them(written: str, share: float) -> None:
    assert read_share(written) == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize("written", ["10", "1", "1.5", "150%", "-1%", "-0.1", "nan", "inf%", "ten", "", "%", "10%%"])
def test_shares_that_are_none(written: str) -> None:
    with pytest.raises(CannotSwitch, match="allowed are 0% to 100%"):
        read_share(written)


def test_the_audit_log_is_told_as_a_table_and_as_json(store: Path) -> None:
    for number in (1, 2, 1):
        run("activate", str(number), "--store", store, "--why", "[bold]so")
    assert "[bold]so" in run("audit", "--store", store).stdout
    lines = run("audit", "--store", store, "--json", "--last", "2").stdout.splitlines()
    assert [json.loads(line)["after"] for line in lines] == [2, 1]
    assert len(run("audit", "--store", store, "--json", "--last", "0").stdout.splitlines()) == 3


def test_a_release_without_its_manifest_is_damaged(store: Path) -> None:
    (release_folder(store, 1) / "manifest.json").unlink()
    write_live(store, Live(3, 2, "now"))
    assert states(run("status", "--store", store, "--json"))[1] == ["damaged"]
