"""The command line and the environment of the image's server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from deploy.command import CLOSED, PROJECT_ROOT
from deploy.container.settings import Settings
from deploy.container.triton import InstalledTriton
from deploy.errors import CannotStart
from deploy.secret import KEY, PLACEHOLDER
from deploy.store import Release
from ensemble.variables import CACHE, CATALOGUE, SNAPSHOTS

FLAGS = "tritonserver.flags"
# Of later servers than 2.51, and left out where they are not known.
LATER = ("http-max-input-size", "allow-client-shm")
_STUB_TIMEOUT_S = 300
_MS = 1000
_NAME = re.compile(r"--([a-z0-9-]+)")
_KERNELS = "TRITON_CACHE_DIR"


def server_flags(settings: Settings, release: Release, models: Path) -> list[str]:
    """Flags for one release, as a server of today knows them.

    The repository is read once: no model is loaded or unloaded later, whoever asks (``model-control-mode=none``).

    Raises:
        CannotStart: The release's own flags cannot be read.
    """
    single = {
        "model-repository": models,
        "model-control-mode": "none",
        "strict-readiness": "true",
        "exit-on-error": "true",
        "exit-timeout-secs": int(settings.times.exit),
        **_listening(settings),
        "http-max-input-size": settings.max_input_bytes,
        "allow-client-shm": "false",
        "allow-sagemaker": "false",
        "allow-vertex-ai": "false",
    }
    closed = f"{','.join(CLOSED)}:{KEY}={PLACEHOLDER}"
    repeated = [
        *_released(release),
        "--metrics-config=counter_latencies=true",
        "--metrics-config=summary_latencies=true",
        f"--backend-config=python,shm-default-byte-size={settings.shm_bytes}",
        f"--backend-config=python,stub-timeout-seconds={_STUB_TIMEOUT_S}",
        f"--backend-config=python,shm-region-prefix-name={region_prefix(settings.name)}",
        f"--http-restricted-api={closed}",
        f"--grpc-restricted-protocol={closed}",
        *([] if settings.tls is None else settings.tls.arguments()),
        *_tracing(settings),
    ]
    return [*(f"--{name}={value}" for name, value in single.items()), *repeated]


def command(triton: InstalledTriton, flags: list[str]) -> tuple[list[str], list[str]]:
    """The command, and the flags that this server is too old for and that were left out.

    Raises:
        CannotStart: The server does not know a flag that it cannot do without.
    """
    unknown = [flag for flag in flags if _name(flag) not in triton.flags]
    needed = [flag for flag in unknown if _name(flag) not in LATER]
    if needed:
        raise CannotStart(f"{triton.binary} does not know {', '.join(needed)}: this is another server than expected")
    return [str(triton.binary), *(flag for flag in flags if flag not in unknown)], unknown


def models_environment(settings: Settings, base: Mapping[str, str]) -> dict[str, str]:
    """Environment of the server and its stubs, made from ``base``.

    One thread an instance: more instances scale better than more threads, which would compete for the same cores.
    """
    searching = settings.searching.environment(None)
    path = base.get("PYTHONPATH")
    living = {} if settings.catalogue is None else {SNAPSHOTS: str(settings.store.resolve() / "snapshots")}
    return {
        **{name: value for name, value in base.items() if name not in (CATALOGUE, SNAPSHOTS)},
        **searching,
        **living,
        **({} if settings.catalogue is None else {CATALOGUE: settings.catalogue}),
        CACHE: str(settings.cache),
        _KERNELS: str(settings.cache / "kernels"),
        "PYTHONPATH": f"{PROJECT_ROOT}:{path}" if path else str(PROJECT_ROOT),
        "OMP_NUM_THREADS": base.get("OMP_NUM_THREADS", "1"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HF_HUB_OFFLINE": "1",
    }


def region_prefix(name: str) -> str:
    """How names in ``/dev/shm`` begin that are this container's own."""
    return "tandem_" + re.sub(r"[^A-Za-z0-9]", "_", name) + "_"


def _listening(settings: Settings) -> dict[str, object]:
    at = settings.endpoints
    age = int(settings.times.connection_age * _MS)
    flags: dict[str, object] = {
        "http-address": settings.http_host,
        "http-port": at.http,
        "grpc-address": at.host,
        "grpc-port": at.grpc,
        "metrics-address": at.host,
        "metrics-port": at.metrics,
    }
    if age:
        # A connection that lives for ever stays with its replica: none would come to new ones, none leave an old one.
        flags |= {"grpc-max-connection-age": age, "grpc-max-connection-age-grace": int(settings.times.drain * _MS)}
    if settings.backends is not None:
        flags["backend-directory"] = settings.backends
    return flags


def _released(release: Release) -> list[str]:
    """What the release says that its server must be started with; releases for the embedded server say nothing."""
    path = release.folder / FLAGS
    if not path.is_file():
        return ["--disable-auto-complete-config"]
    flags = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
    wrong = [flag for flag in flags if not _NAME.match(flag)]
    if wrong:
        raise CannotStart(f"{path}: {wrong[0]!r} is no flag; one a line, such as --disable-auto-complete-config")
    return flags


def _tracing(settings: Settings) -> list[str]:
    if settings.otlp is None:
        return []
    told = ("mode=opentelemetry", f"rate={settings.trace_every}", "level=TIMESTAMPS", "count=-1")
    open_telemetry = (f"url={settings.otlp}", "resource=service.name=tandem")
    return [f"--trace-config={word}" for word in told] + [
        f"--trace-config=opentelemetry,{word}" for word in open_telemetry
    ]


def _name(flag: str) -> str:
    match = _NAME.match(flag)
    return match[1] if match else flag
