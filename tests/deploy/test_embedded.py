from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

from deploy import embedded
from deploy.embedded import EmbeddedServer, check_machine, check_numpy, check_shared_memory, check_stub, choose_stub
from deploy.errors import MissingServer, UnusableNumpy


@pytest.mark.parametrize(("system", "machine"), [("Darwin", "arm64"), ("Linux", "aarch64"), ("Windows", "AMD64")])
def test_other_machines_are_refused(system: str, machine: str) -> None:
    with pytest.raises(MissingServer, match=f"Linux x86-64 alone, this is {system} {machine}"):
        check_machine(system, machine)


def test_numpy_2_is_refused() -> None:
    with pytest.raises(UnusableNumpy, match=r"numpy 2\.4\.6 .* silently corrupts .*pip install 'numpy<2'"):
        check_numpy("2.4.6")
    with pytest.raises(UnusableNumpy, match="not installed"):
        check_numpy(None)
    check_numpy("1.26.4")


def test_shared_memory_must_exist(tmp_path: Path) -> None:
    with pytest.raises(MissingServer, match="missing or not writable"):
        check_shared_memory(tmp_path / "shm")


def test_shared_memory_must_have_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_MIN_SHM_BYTES", 1 << 62)
    with pytest.raises(MissingServer, match="MiB free, the models need at least"):
        check_shared_memory(tmp_path)


def test_the_stub_fits_the_interpreter(tmp_path: Path) -> None:
    for version in ("3.9", "3.10", "3.11"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "triton_python_backend_stub").touch()
    assert choose_stub(tmp_path, (3, 11)) == tmp_path / "3.11" / "triton_python_backend_stub"
    with pytest.raises(MissingServer, match=r"no stub for Python 3\.14, only for 3\.9, 3\.10, 3\.11"):
        choose_stub(tmp_path, (3, 14))


def test_without_the_wheel_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingServer, match=r"nvidia-pytriton.*not installed: install it with `pip install"):
        embedded.find_embedded()


def test_a_damaged_wheel_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = embedded.find_root()
    (tmp_path / "python_backend_stubs").symlink_to(real / "python_backend_stubs")
    monkeypatch.setattr(embedded, "find_root", lambda: tmp_path)
    with pytest.raises(MissingServer, match=r"bin/tritonserver does not exist"):
        embedded.find_embedded()


def test_a_stub_without_its_library_is_named(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    words = "stub: error while loading shared libraries: libpython3.11.so.1.0: cannot open"
    stub.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 127\n")
    stub.chmod(0o755)
    server = EmbeddedServer(tmp_path, tmp_path, stub, None)
    with pytest.raises(MissingServer, match=r"cannot start: libpython3\.11\.so\.1\.0.*libpython"):
        check_stub(server)


def test_the_installed_server_is_found_and_laid_out(tmp_path: Path) -> None:
    server = embedded.find_embedded()
    server.lay_out(tmp_path)
    names = {path.name for path in (tmp_path / "backends" / "python").iterdir()}
    assert {"libtriton_python.so", "triton_python_backend_stub", "triton_python_backend_utils.py"} <= names
    assert all(path.is_file() for path in (tmp_path / "lib").iterdir())
    assert subprocess.run([server.binary, "--help"], capture_output=True, check=False).stderr is not None
