"""Windows of samples as files: who reads them, how long they stay, and that nothing of it can harm a request."""

from __future__ import annotations

import errno
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.observing import observer as observing
from ensemble.observing import (
    read_columns,
    read_windows,
    write_columns,
)
from ensemble.observing.features import digest
from ensemble.observing.secret import secret_of
from tests.ensemble.test_observing import WRITER, Response, asked, observer_into, only, see


def test_files_are_for_their_owner_alone_and_nothing_is_left_half_written(tmp_path: Path) -> None:
    observer = observer_into(tmp_path / "observed")
    see(observer, asked("red mug"))
    observer.flush()
    (path,) = (tmp_path / "observed").iterdir()
    assert re.fullmatch(r"text_preprocess-3-77-text_preprocess_0_0-\d{20}\.npz", path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_only_the_newest_windows_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    see(observer := observer_into(tmp_path / "one"), asked("0"))
    observer.flush()
    (first,) = (tmp_path / "one").iterdir()
    monkeypatch.setattr(observing, "KEPT_BYTES", 3 * first.stat().st_size + 20)
    dead = tmp_path / "text_preprocess-1-5-text_preprocess_0_0-00000004.npz"
    other = tmp_path / "retrieve-1-5-retrieve_0_0-00000004.npz"
    for path in (dead, other):
        write_columns(path, {})
        os.utime(path, (1.0, 1.0))
    observer = observer_into(tmp_path)
    for number in range(5):
        see(observer, asked(str(number)))
        observer.flush()
    assert [window.columns["text"][0] for window in read_windows(tmp_path, "text_preprocess", 3)] == ["4", "3", "2"]
    assert not dead.exists()
    assert other.exists()


def test_a_window_beyond_every_bound_stays_while_it_is_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "KEPT_BYTES", 1)
    observer = observer_into(tmp_path)
    for text in ("one", "two"):
        see(observer, asked(text))
        observer.flush()
    assert only(tmp_path).columns["text"].tolist() == ["two"]


def test_an_hour_of_little_traffic_is_kept(tmp_path: Path) -> None:
    observer = observer_into(tmp_path)
    for number in range(120):
        see(observer, asked(str(number)))
        observer.flush()
    assert len(read_windows(tmp_path, "text_preprocess", 3)) == 120


def test_an_idle_server_removes_what_is_too_old_and_what_a_killed_process_had_not_finished(tmp_path: Path) -> None:
    unfinished = tmp_path / ".text_preprocess-1-5-text_preprocess_0_0-00000004.npz.5"
    old = tmp_path / "text_preprocess-1-5-text_preprocess_0_0-00000004.npz"
    new = tmp_path / ".text_preprocess-1-6-text_preprocess_0_0-00000004.npz.6"
    for path in (unfinished, old, new):
        path.write_bytes(b"red mug")
    for path in (unfinished, old):
        os.utime(path, (1.0, 1.0))
    observer_into(tmp_path).flush()
    assert list(tmp_path.iterdir()) == [new]


def test_a_process_with_the_number_of_one_that_ended_goes_on_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "KEPT_BYTES", 1)
    for text in ("before", "after"):
        for _ in range(2):
            see(observer := observer_into(tmp_path), asked(text))
            observer.flush()
    assert only(tmp_path).columns["text"].tolist() == ["after"]


def test_a_query_is_the_same_in_every_process_of_a_store_and_nobody_else_can_tell(tmp_path: Path) -> None:
    one, again, other = secret_of(tmp_path / "one"), secret_of(tmp_path / "one"), secret_of(tmp_path / "other")
    assert one == again != other
    assert stat.S_IMODE((tmp_path / "one" / "key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["key"]
    assert digest(b"red mug", one) == digest(b"red mug", again) != digest(b"blue mug", one)
    assert digest(b"red mug", one) != digest(b"red mug", other)
    (tmp_path / "file").write_text("")
    assert len(secret_of(tmp_path / "file" / "observed")) == 32


def test_the_samples_of_two_processes_of_a_store_name_a_query_alike(tmp_path: Path) -> None:
    script = (
        "import sys; import numpy as np; from ensemble.observing import TextFeatures, observe;"
        "args = {'model_name': 'text_preprocess', 'model_version': '3', 'model_instance_name': 'a'};"
        "args['model_config'] = '{}';"
        "seen = observe(args, TextFeatures(1, 8), {'TANDEM_OBSERVED': sys.argv[1]});"
        "row = seen._features({'TEXT': np.array([[b'red mug']], object)},"
        " {'INPUT_IDS': np.zeros((1, 4)), 'LENGTHS': np.array([[2]])}, 0); print(row['key'])"
    )
    keys = [subprocess.check_output([sys.executable, "-c", script, str(tmp_path)], text=True) for _ in range(2)]
    assert keys[0] == keys[1]


def test_a_thread_that_hangs_does_not_keep_a_server_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, hung = threading.Event(), threading.Event()

    def hang(*_: Any, **__: Any) -> None:
        begun.set()
        hung.wait(20)

    monkeypatch.setattr(observing, "_STOP_S", 0.01)
    monkeypatch.setattr(observing, "write_columns", hang)
    observer = observer_into(tmp_path, window_s=0.01)
    see(observer, asked("red mug"))
    observer.start()
    assert begun.wait(20)
    observer.stop()
    assert not hung.is_set()
    hung.set()


def test_a_mistake_of_any_kind_costs_a_window_and_not_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def wrong(*_: Any, **__: Any) -> None:
        raise TypeError("unsized")

    observer = observer_into(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(observing, "write_columns", wrong)
        see(observer, asked("lost"))
        observer.flush()
    assert "could not be written: unsized" in caplog.text
    see(observer, asked("kept"))
    observer.flush()
    assert only(tmp_path).columns["text"].tolist() == ["kept"]


def test_a_folder_that_cannot_be_had_harms_nothing_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    observer = observer_into(tmp_path / "file" / "observed")
    for _ in range(3):
        see(observer, asked("red mug"))
        observer.flush()
    assert len(caplog.records) == 1
    assert "a window of samples could not be written" in caplog.text


def test_a_full_disk_harms_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(file: Any, **_: Any) -> None:
        file.write(b"some")
        raise OSError(errno.ENOSPC, "No space left on device")

    observer = observer_into(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez_compressed", full)
        see(observer, asked("lost"))
        observer.flush()
    assert list(tmp_path.iterdir()) == []
    assert "No space left" in caplog.text
    see(observer, asked("kept"))
    observer.flush()
    assert only(tmp_path).columns["text"].tolist() == ["kept"]


def test_what_cannot_be_described_harms_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    observer = observer_into(tmp_path)
    see(observer, (asked("red mug")[0], Response({"LENGTHS": np.array([[1]])})))
    see(observer, asked("blue mug"))
    observer.flush()
    assert "could not be described: KeyError('INPUT_IDS')" in caplog.text
    assert only(tmp_path).columns["text"].tolist() == ["blue mug"]


def test_a_thread_writes_windows_until_it_is_stopped(tmp_path: Path) -> None:
    observer = observer_into(tmp_path, window_s=0.01).start()
    see(observer, asked("red mug"))
    observer.stop()
    assert only(tmp_path).columns["text"].tolist() == ["red mug"]
    with pytest.raises(ValueError, match="`window_s` must be above 0, got 0"):
        observer_into(tmp_path, window_s=0)


def test_windows_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    facts = {"started": 1.0, "ended": 2.0, "seen": 1.0}
    write_columns(tmp_path / WRITER.file(1), {"text": np.array(["good"])}, facts)
    (tmp_path / WRITER.file(2)).write_bytes(b"no zip")
    write_columns(tmp_path / WRITER.file(3), {"text": np.array(["no facts"])})
    write_columns(tmp_path / "text_preprocess-4-1-i-00000001.npz", {"text": np.array(["of another"])}, facts)
    (tmp_path / "text_preprocess-x.npz").write_bytes(b"")
    assert only(tmp_path).columns["text"].tolist() == ["good"]
    assert read_windows(tmp_path, "text_preprocess", 3, since=2.5) == []
    assert read_windows(tmp_path / "absent", "text_preprocess", 3) == []


@pytest.mark.parametrize("step", [1, 7])
def test_a_damaged_file_is_passed_over_whatever_its_bits_are(tmp_path: Path, step: int) -> None:
    path = tmp_path / WRITER.file(1)
    write_columns(path, {"text": np.array(["red mug"] * 9)}, {"started": 1.0, "ended": 2.0, "seen": 1.0})
    good = path.read_bytes()
    for place in range(0, len(good), 5):
        path.write_bytes(good[:place] + bytes([good[place] ^ step]) + good[place + 1 :])
        read_windows(tmp_path, "text_preprocess", 3)


def test_columns_that_do_not_fit_together_are_passed_over(tmp_path: Path) -> None:
    facts = {"started": 1.0, "ended": 2.0, "seen": 1.0}
    write_columns(tmp_path / WRITER.file(1), {"text": np.array(["a"]), "tokens": np.zeros(2)}, facts)
    write_columns(tmp_path / WRITER.file(2), {"text": np.array("a")}, facts)
    assert read_windows(tmp_path, "text_preprocess", 3) == []


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "a.npz").open("wb") as file:
        np.savez_compressed(file, format=2)
    with pytest.raises(ValueError, match="not a file of samples of format 1"):
        read_columns(tmp_path / "a.npz")
