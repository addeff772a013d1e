"""The server of the image: where it is, and which flags it knows."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.errors import MissingServer

# Where the official image has it.
_USUAL = Path("/opt/tritonserver/bin/tritonserver")
_FLAG = re.compile(r"^\s+--([a-z0-9-]+)", re.MULTILINE)
# The oldest image without known vulnerabilities that a caller can use.
OLDEST = (26, 7)
# Set in the official image.
IMAGE_VERSION = "NVIDIA_TRITON_SERVER_VERSION"


@dataclass(frozen=True)
class InstalledTriton:
    """A server.

    Args:
        binary: Its program.
        flags: Names of the flags that it knows, without dashes.
    """

    binary: Path
    flags: frozenset[str]


def find_triton(asked: str | None, environment: Mapping[str, str]) -> InstalledTriton:
    """The server that was asked for, or the image's.

    Args:
        asked: Its path; None for the one in ``PATH``, or where the official image has it.
        environment: What it is started with.

    Raises:
        MissingServer: There is none, or it cannot say which flags it knows.
    """
    found = asked or shutil.which("tritonserver", path=environment.get("PATH")) or str(_USUAL)
    binary = Path(found)
    if not binary.is_file():
        raise MissingServer(f"there is no Triton at {binary}: build the image from nvcr.io/nvidia/tritonserver")
    try:
        told = subprocess.run(
            [binary, "--help"], env=dict(environment), capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingServer(f"{binary} cannot be run: {error}") from error
    flags = frozenset(_FLAG.findall(told.stdout + told.stderr))
    if "model-repository" not in flags:
        raise MissingServer(f"{binary} --help names no flags: {(told.stderr or told.stdout)[-500:]!r}")
    return InstalledTriton(binary, flags)


def warning(environment: Mapping[str, str]) -> str | None:
    """What to say about the image's version; None where it is new enough."""
    version = environment.get(IMAGE_VERSION, "")
    least = ".".join(f"{part:02}" for part in OLDEST)
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is None:
        return f"{IMAGE_VERSION} is not set, so this is not the official image: production needs {least} or later"
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        return f"Triton {version} has known vulnerabilities: use {least} or later"
    return None
