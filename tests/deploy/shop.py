"""A store with a small release: a two-step ensemble of Python models that need nothing but numpy."""

from __future__ import annotations

import json
from pathlib import Path

from ensemble.hashing import sha256
from ensemble.release import Manifest, manifest_path, release_folder

LENGTH = """
import time

import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        texts = pb.get_input_tensor_by_name(request, "TEXT").as_numpy()[:, 0]
        if b"sleep" in texts:
            time.sleep(3)
        while b"hang" in texts:
            time.sleep(1)
        vector = np.array([[len(text), 1.5] for text in texts], np.float32)
        return pb.InferenceResponse([pb.Tensor("VECTOR", vector)])
"""

RANK = """
import numpy as np
import triton_python_backend_utils as pb


class TritonPythonModel:
    def execute(self, requests):
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        rows = pb.get_input_tensor_by_name(request, "VECTOR").as_numpy()
        ids = np.array([[f"p{int(n)}".encode(), f"q{int(n)}".encode()] for n, _ in rows], dtype=object)
        scores = np.stack([rows[:, 0] * rows[:, 1], rows[:, 0]], axis=1)
        return pb.InferenceResponse([pb.Tensor("PRODUCT_ID", ids), pb.Tensor("SCORE", scores)])
"""

LENGTH_CONFIG = """
name: "length"
backend: "python"
max_batch_size: 8
input [ { name: "TEXT" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "VECTOR" data_type: TYPE_FP32 dims: [ 2 ] } ]
instance_group [ { kind: KIND_CPU count: 2 } ]
dynamic_batching { }
version_policy { specific { versions: [ %VERSIONS% ] } }
"""

RANK_CONFIG = """
name: "rank"
backend: "python"
max_batch_size: 8
input [ { name: "VECTOR" data_type: TYPE_FP32 dims: [ 2 ] } ]
output [
  { name: "PRODUCT_ID" data_type: TYPE_STRING dims: [ -1 ] },
  { name: "SCORE" data_type: TYPE_FP32 dims: [ -1 ] }
]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching { }
version_policy { specific { versions: [ %VERSIONS% ] } }
"""

SEARCH_CONFIG = """
name: "search_text"
platform: "ensemble"
max_batch_size: 8
input [ { name: "TEXT" data_type: TYPE_STRING dims: [ 1 ] } ]
output [
  { name: "PRODUCT_ID" data_type: TYPE_STRING dims: [ -1 ] },
  { name: "SCORE" data_type: TYPE_FP32 dims: [ -1 ] }
]
ensemble_scheduling {
  step [
    {
      model_name: "length"
      model_version: %RELEASE%
      input_map { key: "TEXT" value: "TEXT" }
      output_map { key: "VECTOR" value: "vector" }
    },
    {
      model_name: "rank"
      model_version: %RELEASE%
      input_map { key: "VECTOR" value: "vector" }
      output_map { key: "PRODUCT_ID" value: "PRODUCT_ID" }
      output_map { key: "SCORE" value: "SCORE" }
    }
  ]
}
"""


MODELS = (("length", LENGTH_CONFIG, LENGTH), ("rank", RANK_CONFIG, RANK), ("search_text", SEARCH_CONFIG, None))


def make_store(folder: Path) -> Path:
    """A store with release 1, whose probe asks for ``hello``."""
    write_release(folder, 1, versions=(1,), ids=["p5", "q5"])
    return folder


def write_release(store: Path, number: int, *, versions: tuple[int, ...], ids: list[str]) -> None:
    """Write a release as ``export`` does: beside the earlier ones, over their shared configs.

    Args:
        store: Where.
        number: Its number.
        versions: Versions of the models that its configs name.
        ids: What it answers to ``hello``.
    """
    for model, config, script in MODELS:
        shared, own = store / "models" / model, release_folder(store, number) / "models" / model
        own.mkdir(parents=True)
        version = shared / (str(number) if script else "1")
        version.mkdir(parents=True, exist_ok=True)
        filled = config.replace("%VERSIONS%", ", ".join(map(str, versions))).replace("%RELEASE%", str(number))
        for folder in (shared, own):
            (folder / "config.pbtxt").write_text(filled)
        if script:
            changed = script.replace('f"p{', f'f"{ids[0][0]}{{').replace('f"q{', f'f"{ids[1][0]}{{')
            (version / "model.py").write_text(changed)
    write_probe(store, ids, number=number)


def write_probe(store: Path, ids: list[str], scores: tuple[float, float] = (7.5, 5.0), *, number: int = 1) -> None:
    """Have the release say that ``hello`` is answered like this."""
    request = {
        "model": "search_text",
        "inputs": {"TEXT": "hello"},
        "expected": {"PRODUCT_ID": ids, "SCORE": list(scores)},
        "tolerance": 1e-3,
    }
    path = release_folder(store, number) / "probe" / "probe.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"requests": [request]}))
    write_manifest(store, number)


def write_manifest(store: Path, number: int = 1) -> None:
    """Have the release say that its files are as they are now."""
    paths = [path for folder in ("models", "probe") for path in (release_folder(store, number) / folder).rglob("*")]
    paths += (store / "models").glob(f"*/{number}/model.py")
    outputs = {str(path.relative_to(store)): sha256(path) for path in paths if path.is_file()}
    Manifest(number, "now", "cpu", "0" * 64, {}, outputs, {}, {}, ()).save(manifest_path(store, number))
