"""The embedded server with a backend of the name ``onnxruntime``.

The wheel has Triton's Python backend alone. Triton takes a folder with a ``model.py`` for a backend too, so this one
runs ONNX Runtime under the native backend's name: everything but the backend's own code is the real thing.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.command import server_command, server_environment
from deploy.control import Control
from deploy.embedded import EmbeddedServer, find_embedded
from deploy.options import ServeOptions, choose_endpoints
from deploy.process import TritonProcess
from deploy.serverlog import failed_models

TIMEOUT_S = 60.0
STAND_IN = """
import json
from pathlib import Path

import triton_python_backend_utils as pb

from ensemble.towers import Tower


class TritonPythonModel:
    def initialize(self, args):
        config = json.loads(args["model_config"])
        threads = int(config["parameters"]["intra_op_thread_count"]["string_value"])
        folder = Path(args["model_repository"], args["model_version"])
        self.tower = Tower(folder / config["default_model_filename"], threads=threads)

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        inputs = {name: pb.get_input_tensor_by_name(request, name).as_numpy() for name in self.tower.inputs}
        return pb.InferenceResponse([pb.Tensor(self.tower.output, self.tower.encode(inputs))])
"""


@dataclass(frozen=True)
class Native:
    """A server that was started, ready or not."""

    process: TritonProcess
    control: Control

    def wait_ready(self) -> None:
        """Wait until all models are ready; fails with the server's words when one cannot be loaded."""
        self._wait(self.control.ready)

    def refused(self) -> dict[str, str]:
        """Wait until the server has ended; the models that it could not load, and why."""
        self._wait(lambda: False)
        return failed_models(self.process.log.text())

    def _wait(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while self.process.returncode is None and not done():
            assert time.monotonic() < deadline, self.process.last_words()
            time.sleep(0.05)


@contextmanager
def native_server(models: Path, log: Path, flags: Sequence[str] = (), *, stand_in: bool) -> Iterator[Native]:
    """Start the server over a repository; it has ended and left nothing when the block ends.

    Args:
        models: The repository.
        log: The server's log.
        flags: Beside those of the embedded server.
        stand_in: Whether there is a backend ``onnxruntime``.
    """
    embedded, workdir = find_embedded(), Path(tempfile.mkdtemp(prefix="tandem-native-"))
    embedded.lay_out(workdir)
    environment = server_environment(workdir)
    if stand_in:
        _add_stand_in(embedded, workdir / "backends")
        # The copied library no longer finds what lies beside it in the wheel.
        libraries = next(embedded.binary.parents[3].glob("nvidia_pytriton.libs"))
        environment["LD_LIBRARY_PATH"] += f":{libraries}"
    endpoints = choose_endpoints("127.0.0.1", None, None, None)
    command = server_command(embedded, workdir, models, endpoints, ServeOptions())
    process = TritonProcess([*command, *flags], environment, workdir, log)
    control = Control(endpoints.reachable_host, endpoints.grpc)
    try:
        yield Native(process, control)
    finally:
        control.close()
        process.stop(0.0)


def _add_stand_in(embedded: EmbeddedServer, backends: Path) -> None:
    """Copies, not links: Triton loads no library from outside the backend's own folder."""
    folder = backends / "onnxruntime"
    folder.mkdir()
    for source in (*embedded.python_backend.iterdir(), embedded.stub):
        if source.is_file():
            shutil.copy2(source, folder / source.name)
    (folder / "model.py").write_text(STAND_IN)
