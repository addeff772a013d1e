from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.audit import Audit
from deploy.events import EventLog
from deploy.watching.history import Past, ServerEvents, past
from deploy.watching.observing import seconds_of
from deploy.watching.uptime import DAYS, Uptime

DAY_S = 86_400.0


def write(store: Path, who: str, action: str, before: int, after: int, outcome: Any = "done") -> float:
    entry = Audit(store).add(who, action, before, after, why="", outcome=outcome, seconds=1.0, told="")
    return seconds_of(entry.time)


def test_a_store_that_nothing_was_done_to_has_no_past(tmp_path: Path) -> None:
    assert past(tmp_path) == Past(frozenset(), None, gone_back=False)


def test_releases_that_anybody_left_are_bad_and_only_our_own_rollbacks_cool_down(tmp_path: Path) -> None:
    write(tmp_path, "anna", "activate", 1, 2)
    write(tmp_path, "anna", "rollback", 2, 1)
    assert past(tmp_path) == Past(frozenset({2}), None, gone_back=True)
    write(tmp_path, "anna", "activate", 1, 3)
    write(tmp_path, "anna", "canary", 3, 4)
    assert not past(tmp_path).gone_back
    ours = write(tmp_path, "anna: watch", "rollback", 3, 1)
    assert past(tmp_path) == Past(frozenset({2, 3}), ours, gone_back=True)
    write(tmp_path, "deploy", "fall_back", 5, 1)
    assert past(tmp_path) == Past(frozenset({2, 3, 5}), ours, gone_back=True)


def test_a_rollback_that_was_not_made_is_a_try_and_makes_no_release_bad(tmp_path: Path) -> None:
    write(tmp_path, "anna", "activate", 1, 2)
    tried = write(tmp_path, "watch", "rollback", 2, 1, "failed")
    assert past(tmp_path) == Past(frozenset(), tried, gone_back=False)


def test_what_the_server_told_is_read_on_from_where_it_was_read_to(tmp_path: Path) -> None:
    events, log = ServerEvents(tmp_path), EventLog(tmp_path / "run" / "events.jsonl")
    events.look()
    assert (events.away, events.restarts_since(0.0)) == (None, 0)
    log.add("restarted", "again")
    log.add("away", "Milvus is away")
    events.look()
    events.look()
    assert (events.away, events.restarts_since(0.0)) == ("Milvus is away", 1)
    assert events.restarts_since(seconds_of("2100-01-01T00:00:00")) == 0
    log.add("back", "Milvus is back")
    with (tmp_path / "run" / "events.jsonl").open("a") as file:
        file.write('{"time": "2026-01-01T00:00:00+00:00", "kind": "rest')
    events.look()
    assert (events.away, events.restarts_since(0.0)) == (None, 1)


def test_the_share_of_answered_questions_is_kept_for_a_month(tmp_path: Path) -> None:
    uptime = Uptime(tmp_path)
    assert uptime.share is None
    for day in range(DAYS + 10):
        uptime.add(day * DAY_S, 100, 0 if day < 10 else 99)
    uptime.add((DAYS + 9) * DAY_S, 0, 0)
    again = Uptime(tmp_path)
    assert (again.asked, again.share) == (100 * DAYS, 0.99)


def test_a_record_that_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    Uptime(tmp_path).add(0.0, 10, 10)
    (tmp_path / "run" / "uptime.json").write_text("{")
    assert Uptime(tmp_path).share is None
