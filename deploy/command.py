"""The command line and the environment that the embedded server is started with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded import EmbeddedServer
from deploy.living import Living
from deploy.options import Endpoints, ServeOptions
from deploy.searching import VARIABLES, Searching
from deploy.secret import KEY, PLACEHOLDER
from ensemble.observing import FOLDER
from ensemble.variables import BESIDE, CATALOGUE, GATE, OBSERVED, SNAPSHOTS

PROJECT_ROOT = Path(__file__).resolve().parents[1]
# A GPU's kernels are compiled before the first request: two minutes, the first time.
_STUB_TIMEOUT_S = 300
# What would let a caller run code, read memory of others, fill the disk, or blind the operator.
CLOSED = ("model-repository", "shared-memory", "trace", "logging")


def server_command(
    server: EmbeddedServer, workdir: Path, models: Path, endpoints: Endpoints, options: ServeOptions
) -> list[str]:
    """Arguments of ``tritonserver``, the program first.

    Explicit model control is what makes switching releases and repairing a model possible. A configuration is taken
    as it stands: what a model really has is checked when the release is made.

    The interfaces in ``CLOSED`` answer only who sends the secret, for which ``PLACEHOLDER`` stands.
    """
    closed = f"{','.join(CLOSED)}:{KEY}={PLACEHOLDER}"
    settings = {
        "model-repository": models,
        "model-control-mode": "explicit",
        "load-model": "*",
        "strict-readiness": "true",
        "exit-on-error": "true",
        "exit-timeout-secs": options.exit_timeout_s,
        "backend-directory": workdir / "backends",
        "http-address": endpoints.http_host,
        "http-port": endpoints.http,
        "grpc-address": endpoints.host,
        "grpc-port": endpoints.grpc,
        "metrics-address": endpoints.http_host,
        "metrics-port": endpoints.metrics,
        "allow-gpu-metrics": "false",
        "allow-sagemaker": "false",
        "allow-vertex-ai": "false",
    }
    repeated = [
        "--disable-auto-complete-config",
        "--metrics-config=counter_latencies=true",
        "--metrics-config=summary_latencies=true",
        f"--backend-config=python,shm-default-byte-size={options.shm_bytes}",
        f"--backend-config=python,stub-timeout-seconds={_STUB_TIMEOUT_S}",
        f"--http-restricted-api={closed}",
        f"--grpc-restricted-protocol={closed}",
    ]
    return [
        str(server.binary),
        *(f"--{name}={value}" for name, value in settings.items()),
        *repeated,
        *options.access.arguments(),
        *([] if options.tracing is None else options.tracing.arguments()),
    ]


def server_environment(
    workdir: Path,
    base: Mapping[str, str] = os.environ,
    *,
    living: Living | None = None,
    searching: Searching | None = None,
    store: Path | None = None,
) -> dict[str, str]:
    """Environment of the server and its stubs, made from ``base``.

    The stub looks for its site-packages beside the ``python3`` that comes first in ``PATH``.
    One thread an instance: more instances scale better than more threads, and they would compete for the same cores.

    Args:
        workdir: The server's private directory.
        base: What it inherits.
        living: The catalogue that the index follows; without one it stays as it was released.
        searching: The engine that searches it; None for the default.
        store: Where what an engine prepares for this machine is kept, and samples of the requests; None for nowhere.
    """
    ours = {CATALOGUE, SNAPSHOTS, OBSERVED, GATE, BESIDE, *VARIABLES}
    return {
        **{name: value for name, value in base.items() if name not in ours},
        **(searching or Searching()).environment(store),
        **({} if store is None else {OBSERVED: str(store / FOLDER)}),
        **({} if living is None else {CATALOGUE: living.catalogue, SNAPSHOTS: str(living.snapshots)}),
        GATE: str(workdir / "gate"),
        BESIDE: str(beside(workdir)),
        "PATH": _prepend(str(Path(sys.executable).parent), base.get("PATH")),
        "PYTHONPATH": _prepend(str(PROJECT_ROOT), base.get("PYTHONPATH")),
        "LD_LIBRARY_PATH": _prepend(str(workdir / "lib"), base.get("LD_LIBRARY_PATH")),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
    }


def beside(workdir: Path) -> Path:
    """A file that is there while a release is loaded beside the live one; see ``ensemble.gently``."""
    return workdir / "beside"


def _prepend(first: str, rest: str | None) -> str:
    return f"{first}{os.pathsep}{rest}" if rest else first
