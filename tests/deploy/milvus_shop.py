"""A store that a Milvus is searched for, and that Milvus: milvus-lite behind a port, in a process of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deploy.command import PROJECT_ROOT
from ensemble.found import Found
from ensemble.pipeline import open_retrieval
from ensemble.release import release_folder
from tests import tiny
from tests.deploy.conftest import wait_for
from tests.deploy.shop import write_manifest

CONFIG = """
name: "retrieve"
backend: "python"
max_batch_size: 8
input [
  { name: "TEXT_VECTOR" data_type: TYPE_FP32 dims: [ 8 ] optional: true },
  { name: "K" data_type: TYPE_INT32 dims: [ 1 ] optional: true }
]
output [
  { name: "PRODUCT_ID" data_type: TYPE_STRING dims: [ -1 ] },
  { name: "SCORE" data_type: TYPE_FP32 dims: [ -1 ] },
  { name: "SEQ" data_type: TYPE_INT64 dims: [ 1 ] }
]
instance_group [ { kind: KIND_CPU count: 1 } ]
version_policy { specific { versions: [ 1 ] } }
model_warmup [ {
  name: "a text query" batch_size: 1
  inputs { key: "TEXT_VECTOR" value { data_type: TYPE_FP32 dims: [ 8 ] zero_data: true } }
} ]
"""

_PYTHON = (sys.executable, "-W", "ignore", "-c")
_SERVE = """
import sys, threading
from milvus_lite.adapter.grpc.server import start_server_in_thread
kept = start_server_in_thread(sys.argv[1], port=int(sys.argv[2]))
threading.Event().wait()
"""


_FILL = """
import sys
from pathlib import Path
from ensemble.index.milvus import MilvusIndex, MilvusOptions
from tests import tiny
index = MilvusIndex.create(MilvusOptions(sys.argv[1]), tiny.SPACE.space_id, tiny.SPACE.row_dim)
index.fill(Path(sys.argv[2]))
"""


def make_milvus_store(store: Path) -> Path:
    """A release whose only model is ``retrieve`` as it is; its probe asks that model."""
    tiny.write_release(store / "models")
    for name in ("text_preprocess", "image_preprocess", "product_preprocess", "text_tower", "vision_tower"):
        shutil.rmtree(store / "models" / name)
    version = store / "models" / "retrieve" / "1"
    shutil.copyfile(PROJECT_ROOT / "model_repository" / "retrieve" / "1" / "model.py", version / "model.py")
    own = release_folder(store, 1)
    for folder in (store / "models" / "retrieve", own / "models" / "retrieve"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.pbtxt").write_text(CONFIG)
    (own / "probe").mkdir()
    (own / "probe" / "probe.json").write_text(json.dumps({"seq": 0, "requests": [_request(version)]}))
    write_manifest(store)
    return store


def _request(version: Path) -> dict[str, object]:
    row = np.eye(1, tiny.DIM, dtype=np.float32)
    (found,) = open_retrieval(version).answer([{"TEXT_VECTOR": row, "K": np.array([[3]], np.int32)}])
    assert isinstance(found, Found)
    expected = {"PRODUCT_ID": found.ids[0], "SCORE": found.hits[0].scores.tolist()}
    return {"model": "retrieve", "inputs": {"TEXT_VECTOR": row[0].tolist(), "K": 3}, "expected": expected}


@dataclass
class Lite:
    """A milvus-lite behind a port.

    Args:
        folder: Where its data lie.
        port: Where it listens.
    """

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def file(self) -> Path:
        return self.folder / "milvus.db"

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fill(self, store: Path) -> None:
        """Fill it in a process of its own: whoever opens the file has it until he ends."""
        index = store / "models" / "retrieve" / "1" / "index"
        subprocess.run([*_PYTHON, _FILL, str(self.file), str(index)], check=True, cwd=PROJECT_ROOT)

    def start(self) -> None:
        command = [*_PYTHON, _SERVE, str(self.file), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: _listens(self.port))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
