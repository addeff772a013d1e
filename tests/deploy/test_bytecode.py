from __future__ import annotations

import errno
import os
import py_compile
from pathlib import Path

import pytest

from deploy.bytecode import compile_models, is_compiled
from deploy.errors import NoRelease
from deploy.server import Server
from tests.deploy.conftest import FAST, connect, search
from tests.deploy.shop import make_store


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return make_store(tmp_path / "var") / "models"


def test_what_is_compiled_stays_as_it_is_even_when_touched(models: Path) -> None:
    compile_models(models)
    script = models / "rank" / "1" / "model.py"
    (compiled,) = (script.parent / "__pycache__").iterdir()
    before = compiled.stat().st_mtime_ns
    os.utime(script, (1, 1))
    compile_models(models)
    assert compiled.stat().st_mtime_ns == before


def test_a_file_that_goes_by_time_or_by_another_source_is_replaced(models: Path) -> None:
    script = models / "rank" / "1" / "model.py"
    py_compile.compile(str(script), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    assert not is_compiled(script)
    compile_models(models)
    assert is_compiled(script)
    script.write_text(script.read_text() + "# changed\n")
    assert not is_compiled(script)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_store_that_is_read_only_is_let_be(models: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(py_compile, "compile", refuse)
    compile_models(models)


def test_a_full_disk_is_told(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(py_compile, "compile", refuse)
    with pytest.raises(NoRelease, match=r"model\.py cannot be compiled: .*No space left"):
        compile_models(models)


def test_a_model_that_is_no_python_is_named(models: Path) -> None:
    (models / "rank" / "1" / "model.py").write_text("def (")
    with pytest.raises(NoRelease, match=r"rank/1/model\.py cannot be compiled"):
        compile_models(models)


def test_serving_changes_no_version_folder(store: Path) -> None:
    compile_models(store / "models")
    folders = [path for path in (store / "models").rglob("*") if path.name in ("1", "__pycache__")]
    files = list((store / "models").rglob("*.pyc"))
    before = [path.stat().st_mtime_ns for path in (*folders, *files)]
    assert len(files) == 2
    with Server(store, watch_options=FAST) as server:
        control = connect(server)
        assert search(control, "hello") == (["p5", "q5"], [7.5, 5.0])
        control.close()
    assert [path.stat().st_mtime_ns for path in (*folders, *files)] == before
