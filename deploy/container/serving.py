"""One container, from its environment to its exit code."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from deploy.container import triton
from deploy.container.answering import HealthServer
from deploy.container.asking import Asking
from deploy.container.draining import wait_until_quiet
from deploy.container.flags import command, models_environment, server_flags
from deploy.container.health import Health
from deploy.container.leftovers import remove_regions
from deploy.container.reading import read_settings
from deploy.container.settings import Settings
from deploy.container.supervising import Ending, Stopping, Supervised
from deploy.errors import CannotStart
from deploy.probe import read_probes
from deploy.secret import Secret
from deploy.store import Release, check_release, find_release
from deploy.view import View
from ensemble.variables import GATE

_log = logging.getLogger(__name__)
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 -- compared, not bound


def serve(stopping: Stopping, base: Mapping[str, str] = os.environ) -> int:
    """Serve one release until SIGTERM; the exit code of Triton.

    Args:
        stopping: Has the signals of this process already: what comes before the server takes minutes for a large store.
        base: The environment.

    Raises:
        CannotStart: The environment, the release or the image is not what it should be; says what.
    """
    settings = read_settings(base)
    if (told := triton.warning(base)) is not None:
        _log.warning(told)
    release = find_release(settings.store, settings.release)
    if settings.verify:
        check_release(release)
    _log.info("release %d of %s", release.number, settings.store)
    workdir = Path(tempfile.mkdtemp(prefix="tandem-"))
    try:
        return _serve(settings, release, workdir, base, stopping)
    finally:
        shutil.rmtree(workdir, ignore_errors=True)
        remove_regions(settings.name)


def _serve(settings: Settings, release: Release, workdir: Path, base: Mapping[str, str], stopping: Stopping) -> int:
    models = workdir / "models"
    View(models, release, cold=settings.searching.cold)
    environment = {**models_environment(settings, base), GATE: str(workdir / "gate")}
    arguments, left_out = command(
        triton.find_triton(settings.triton, environment), server_flags(settings, release, models)
    )
    if left_out:
        _log.warning("this server is too old for %s", ", ".join(left_out))
    if freed := remove_regions(settings.name):
        _log.info("removed %d MiB of shared memory that an earlier start left", freed >> 20)
    probes = read_probes(release.probe)
    asking = Asking(_reachable(settings.http_host), settings.endpoints.http)
    health = Health(asking, probes, settings.times.dead_after)
    try:
        door = HealthServer(health, release.number, settings.endpoints.host, settings.health_port)
    except OSError as error:
        raise CannotStart(f"the health port {settings.health_port} cannot be used: {error}") from error

    def start() -> Ending:
        server = Supervised(arguments, environment, settings.secret or Secret.make())
        return Ending(server, lambda hurry: wait_until_quiet(asking.finished, settings.times, hurry), health.stop)

    # Before the first thread: a process is forked.
    server = stopping.begin(start)
    health.start()
    door.start()
    code = server.wait()
    health.stop()
    door.stop()
    server.end_orphans()
    _log.info("the server ended with code %d", code)
    return code


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in _EVERYWHERE else host
