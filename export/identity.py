"""What a release is made of, in hashes and versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ensemble.hashing import sha256
from ensemble.release import release_folder
from export.checking import CheckedCatalogue
from export.order import Order, Plans
from export.queries import read_queries
from export.store import Staging

PACKAGES = ("tandem", "torch", "onnx", "onnxscript", "onnxruntime", "transformers", "tokenizers", "numpy", "Pillow")


def space_id(graphs: Sequence[Path], plans: Plans) -> str:
    """SHA-256 over everything that decides where a text, a picture or a product lands.

    Args:
        graphs: The two ``model.onnx``, text first.
        plans: For the settings, the tokenizer, and the fields that make a product's text.
    """
    parts = {
        "graphs": [sha256(graph) for graph in graphs],
        "text": asdict(plans.text.settings),
        "image": asdict(plans.vision.settings),
        "product": asdict(plans.product),
        "tokenizer": sha256(plans.text.tokenizer),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def inputs_of(order: Order, plans: Plans, checked: CheckedCatalogue) -> dict[str, Mapping[str, str]]:
    """Path and SHA-256 of every file that the release was made from; all pictures together are one."""
    files = {"towers": order.towers}
    if order.columns is not None:
        files["columns"] = order.columns
    files |= {f"text.{name}": path for name, path in plans.text.files.items()}
    files |= {f"vision.{name}": path for name, path in plans.vision.files.items()}
    files |= {f"recommend.{name}": path for name, path in plans.file.recommend.files.items()}
    for name, path in (
        ("queries", order.queries or plans.file.gate.queries),
        ("calibration", order.calibration or plans.file.calibration.queries),
    ):
        if path is not None and (order.judged or name == "queries"):
            files[name] = path
    return {
        "catalogue": {"path": checked.catalogue.location, "sha256": checked.sha256},
        "pictures": {"path": checked.pictures.folder, "sha256": checked.pictures_sha256},
        **{name: {"path": str(path), "sha256": sha256(path)} for name, path in files.items()},
    }


def files_of(stage: Staging) -> dict[str, Path]:
    """Every file that belongs to the release alone, by its path in the store to be; Python's compiled files aside."""
    home = release_folder(Path(), stage.release)
    versioned = stage.models.glob(f"*/{stage.release}/**/*")
    staged = {Path("models") / path.relative_to(stage.models): path for path in versioned}
    staged |= {home / path.relative_to(stage.folder): path for path in stage.folder.rglob("*")}
    kept = {name: path for name, path in staged.items() if path.is_file() and "__pycache__" not in path.parts}
    return {str(name): kept[name] for name in sorted(kept)}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that make a release."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def queries_id(path: Path | None) -> str:
    """SHA-256 over a queries file and its photos; empty where there is none.

    Raises:
        BadQueries: It cannot be read, or is not valid.
    """
    if path is None:
        return ""
    photos = [sha256(query.image) for query in read_queries(path) if query.image is not None]
    return hashlib.sha256("".join([sha256(path), *photos]).encode()).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
