"""Finds the Triton server that the ``nvidia-pytriton`` wheel carries, and what it needs from this machine."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import MissingServer, UnusableNumpy

_INSTALL = "install it with `pip install 'tandem[serve]'`"
_SHM = Path("/dev/shm")  # noqa: S108 -- where Triton's Python backend makes its regions
_MIN_SHM_BYTES = 32 * 1024 * 1024
_STUB = "triton_python_backend_stub"


@dataclass(frozen=True)
class EmbeddedServer:
    """The files of one usable server.

    Args:
        binary: ``tritonserver``.
        python_backend: Directory of the Python backend, without a stub.
        stub: Program that hosts a Python model, linked against this interpreter's version.
        libpython: This interpreter as a shared library; None where the system's loader finds it by itself.
    """

    binary: Path
    python_backend: Path
    stub: Path
    libpython: Path | None

    def lay_out(self, workdir: Path) -> None:
        """Make ``backends/python`` and ``lib`` in ``workdir``: the wheel keeps apart what Triton wants together."""
        backend = workdir / "backends" / "python"
        backend.mkdir(parents=True)
        for source in (*self.python_backend.iterdir(), self.stub):
            if source.is_file():
                (backend / source.name).symlink_to(source)
        libraries = workdir / "lib"
        libraries.mkdir()
        if self.libpython is not None:
            # Alone in its directory: the interpreter's lib may hold others, which the server must not pick up.
            (libraries / self.libpython.name).symlink_to(self.libpython)


def find_embedded() -> EmbeddedServer:
    """The installed server, checked as far as that goes without starting it.

    Raises:
        MissingServer: Wrong machine, no wheel, no stub for this Python, no libpython, or too little shared memory.
        UnusableNumpy: numpy 2 or later.
    """
    check_machine(platform.system(), platform.machine())
    check_numpy(_version("numpy"))
    check_shared_memory(_SHM)
    root = find_root()
    stub = choose_stub(root / "python_backend_stubs", sys.version_info[:2])
    server = EmbeddedServer(
        binary=_existing(root / "bin" / "tritonserver"),
        python_backend=_existing(root / "backends" / "python"),
        stub=stub,
        libpython=find_libpython(_library_directories(), str(sysconfig.get_config_var("INSTSONAME") or "")),
    )
    check_stub(server)
    return server


def check_machine(system: str, machine: str) -> None:
    """Refuse machines that the wheel's binaries do not run on."""
    if system != "Linux" or machine not in ("x86_64", "AMD64"):
        raise MissingServer(
            f"the embedded Triton runs on Linux x86-64 alone, this is {system} {machine}: "
            "use a container or the official Triton image there"
        )


def check_numpy(version: str | None) -> None:
    """Refuse numpy 2: the server would report READY, then hand corrupt tensors to the models without an error."""
    if version is None:
        raise UnusableNumpy(f"numpy is not installed: {_INSTALL}")
    if int(version.split(".")[0]) >= 2:
        raise UnusableNumpy(
            f"numpy {version} is installed, but Triton 2.51's Python backend silently corrupts tensors with numpy 2: "
            "run `pip install 'numpy<2'`"
        )


def check_shared_memory(directory: Path) -> None:
    """Refuse to start without room for the models' shared memory: they would die of SIGBUS later."""
    if not os.access(directory, os.W_OK):
        raise MissingServer(
            f"{directory} is missing or not writable, and models pass tensors through it: mount a tmpfs there"
        )
    stats = os.statvfs(directory)
    free = stats.f_bavail * stats.f_frsize
    if free < _MIN_SHM_BYTES:
        raise MissingServer(
            f"{directory} has {free >> 20} MiB free, the models need at least {_MIN_SHM_BYTES >> 20}: "
            "remove what others left there, or enlarge it (docker: `--shm-size=512m`)"
        )


def find_root() -> Path:
    """Directory of the server inside the installed wheel."""
    spec = importlib.util.find_spec("pytriton")
    if spec is None or not spec.submodule_search_locations:
        raise MissingServer(f"the package nvidia-pytriton, which carries the server, is not installed: {_INSTALL}")
    root = Path(next(iter(spec.submodule_search_locations))) / "tritonserver"
    if not root.is_dir():
        raise MissingServer(f"{root} does not exist: this nvidia-pytriton carries no server; {_INSTALL}")
    return root


def choose_stub(stubs: Path, version: tuple[int, ...]) -> Path:
    """The stub that is linked against this version of Python: no other can run the models in this environment."""
    wanted = f"{version[0]}.{version[1]}"
    stub = stubs / wanted / _STUB
    if not stub.is_file():
        known = sorted(
            (path.parent.name for path in stubs.glob(f"*/{_STUB}")),
            key=lambda name: [int(part) for part in name.split(".")],
        )
        raise MissingServer(
            f"the server has no stub for Python {wanted}, only for {', '.join(known) or 'no version at all'}: "
            "make the environment with one of these"
        )
    return stub


def find_libpython(directories: Iterable[Path], name: str) -> Path | None:
    """The shared library of this interpreter, or None when it lies in none of the directories."""
    if ".so" not in name:
        return None
    return next((directory / name for directory in directories if (directory / name).is_file()), None)


def check_stub(server: EmbeddedServer) -> None:
    """Start the stub without arguments: it complains and ends, unless the loader cannot even start it."""
    environment = {} if server.libpython is None else {"LD_LIBRARY_PATH": str(server.libpython.parent)}
    try:
        result = subprocess.run([server.stub], env=environment, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingServer(f"{server.stub} cannot be run: {error}") from error
    if "error while loading shared libraries" in result.stderr:
        lacking = result.stderr.split("shared libraries:")[-1].strip()
        raise MissingServer(
            f"the server's stub cannot start: {lacking}. This Python was built without its shared library: use one "
            "with it (Debian: `apt install libpython3.11`; pyenv: `PYTHON_CONFIGURE_OPTS=--enable-shared`; uv: any)"
        )


def _library_directories() -> list[Path]:
    configured = sysconfig.get_config_var("LIBDIR")
    return [*([Path(configured)] if configured else []), Path(sys.base_prefix) / "lib"]


def _existing(path: Path) -> Path:
    if not path.exists():
        raise MissingServer(
            f"{path} does not exist: nvidia-pytriton is damaged or of another version; {_INSTALL} again"
        )
    return path


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
