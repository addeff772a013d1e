"""A release that is spoiled on purpose: whole by every check at the start, and wrong in what it finds."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.hashing import sha256
from ensemble.index import load, save
from ensemble.pipeline import Hit, Pipeline
from ensemble.release import Manifest, manifest_path, release_folder

SEED = 6


def spoil(store: Path, release: int) -> None:
    """Give every product of a release the row of another one, as an index built in the wrong order has it.

    The answers of ``probe.json`` are those of the spoiled index, and the manifest's hashes those of its files, so that
    no check of a start or of a switch finds fault. Only questions whose answers were known before tell.

    Args:
        store: The store; nothing may serve the release meanwhile.
        release: Its number. It has at least two products.
    """
    index = store / "models" / "retrieve" / str(release) / "index"
    _shuffle(index)
    shutil.rmtree(store / "snapshots" / f"{release:04d}", ignore_errors=True)
    probe = release_folder(store, release) / "probe"
    _answer_anew(Pipeline.open(store / "models", release), probe)
    _renew_hashes(store, release, index, probe)


def _shuffle(index: Path) -> None:
    """No row stays where it is: each goes on to the next place of one round through all."""
    slots = load(index)
    order = np.random.default_rng(SEED).permutation(len(slots))
    rows = np.empty_like(slots.base)
    rows[np.roll(order, 1)] = slots.base[order]
    spoiled = index.with_name("spoiled")
    save(replace(slots, base=rows), spoiled)
    shutil.rmtree(index)
    spoiled.rename(index)


def _answer_anew(pipeline: Pipeline, probe: Path) -> None:
    path = probe / "probe.json"
    content = json.loads(path.read_text("utf-8"))
    for request in content["requests"]:
        if request["model"] in ("search_text", "search_image", "search"):
            hits = _search(pipeline, request["inputs"], probe)
            request["expected"] = {"PRODUCT_ID": [hit.id for hit in hits], "SCORE": [hit.score for hit in hits]}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _search(pipeline: Pipeline, inputs: dict[str, Any], probe: Path) -> list[Hit]:
    texts = [inputs["TEXT"]] if "TEXT" in inputs else None
    images = [(probe / inputs["IMAGE"]["file"]).read_bytes()] if "IMAGE" in inputs else None
    weights = tuple(inputs.get("WEIGHTS", (1.0, 1.0)))
    return pipeline.search(texts, images, weights=weights, k=inputs["K"])[0]


def _renew_hashes(store: Path, release: int, *changed: Path) -> None:
    path = manifest_path(store, release)
    manifest = Manifest.load(path)
    folders = [folder.relative_to(store) for folder in changed]
    outputs = {name: sha for name, sha in manifest.outputs.items() if not any(map(Path(name).is_relative_to, folders))}
    files = [file for folder in changed for file in sorted(folder.rglob("*")) if file.is_file()]
    outputs |= {str(file.relative_to(store)): sha256(file) for file in files}
    replace(manifest, outputs=outputs).save(path)
