"""A full queue refuses at once; what was taken in is answered."""

from __future__ import annotations

import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from clients import Client, QueueFull, RetryPolicy
from deploy.server import Server
from ensemble.hashing import sha256
from ensemble.release import Manifest, manifest_path


def test_a_full_queue_refuses_and_recovers(store: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(store, tmp_path / "store")
    narrow_queue(copy, length=2)
    with Server(copy) as server, Client(server.grpc_url, timeout_s=60, retries=RetryPolicy(tries=1)) as client:

        def ask(number: int) -> str:
            try:
                return str(len(client.search(text=f"{number} red mug " * 60).results))
            except QueueFull as error:
                return str(error)

        with ThreadPoolExecutor(48) as pool:
            answers = Counter(pool.map(ask, range(96)))
        assert answers["10"] >= 2
        assert any("Exceeds maximum queue size" in answer for answer in answers)
        assert len(answers) == 2
        assert ask(1000) == "10"


def narrow_queue(store: Path, *, length: int) -> None:
    """Change the release's own config of ``text_tower``, and have its manifest say that this was made."""
    name = "releases/0001/models/text_tower/config.pbtxt"
    path = store / name
    config = text_format.Parse(path.read_text(), ModelConfig())
    config.dynamic_batching.default_queue_policy.max_queue_size = length
    config.instance_group[0].count = 1
    path.write_text(text_format.MessageToString(config))
    manifest = Manifest.load(manifest_path(store, 1))
    replace(manifest, outputs={**manifest.outputs, name: sha256(path)}).save(manifest_path(store, 1))
