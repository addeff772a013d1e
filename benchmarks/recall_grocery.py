"""Recall over the val photos of the groceries: raw backbone, and aligned towers through the release that serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recall_sample import batched, photo_recall, recall
from ensemble.pipeline import Pipeline
from training.backbone import Backbone, features
from training.photos import listed

VAL = "val"


def grocery_rows(data: Path) -> list[dict[str, Any]]:
    """Rows of the catalogue as its file has them."""
    return [json.loads(line) for line in (data / "grocery/catalogue.jsonl").read_text("utf-8").splitlines()]


def raw_backbone(data: Path, cache: Path) -> dict[str, float]:
    """Recall of the nearest iconic image by cosine of the raw features, no training at all."""
    rows, photos = grocery_rows(data), listed(data / "grocery/splits.csv", VAL, "class_id")
    backbone = Backbone(data / "weights/mobilenet_v2_1.0_224_fp32.onnx")
    pictures = [data / "grocery" / row["iconic_image"] for row in rows]
    shown, iconic = (features(backbone, paths, cache)[:, 0] for paths in ([p.path for p in photos], pictures))
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in (shown, iconic)]
    order = np.argsort(-(unit[0] @ unit[1].T), axis=1, kind="stable")
    wanted = np.asarray([[str(row["id"]) for row in rows].index(photo.product) for photo in photos])[:, None]
    found = {f"recall@{k}": round(float((order[:, :k] == wanted).any(axis=1).mean()), 4) for k in (1, 5)}
    return found | {"queries": len(photos)}


def description_recall(pipeline: Pipeline, data: Path) -> dict[str, float]:
    """Recall of the products' descriptions as text queries; the products' own text is name and category alone."""
    rows = [row for row in grocery_rows(data) if row["description"]]
    answers = list(batched([row["description"] for row in rows], lambda some: pipeline.search(texts=some, k=5)))
    return recall(answers, [str(row["id"]) for row in rows]) | {"queries": len(rows)}


def grocery_figures(pipeline: Pipeline, data: Path, cache: Path) -> dict[str, dict[str, float]]:
    """All figures of the groceries."""
    return {
        "photo_raw_backbone": raw_backbone(data, cache),
        "photo_aligned": photo_recall(pipeline, listed(data / "grocery/splits.csv", VAL, "class_id")),
        "description": description_recall(pipeline, data),
    }
