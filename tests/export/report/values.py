"""A report with everything in it: candidates that pass, fail and cannot be run, in figures that look like real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from export.gate.bounds import bounds_for
from export.gate.judge import judge
from export.gate.values import BATCHES, Figures, Labelled, Verdict, Worst
from export.precision.candidates import PRECISIONS, Candidate
from export.report.values import Report, TowerReport

HOSTILE = "<script>alert('x')</script> & \"quoted\" $x_1$"
# Precision, recipe, usual distance to a cosine of 1, time over FP32's.
CANDIDATES = (
    ("int8", "dynamic", 7e-3, 0.42),
    ("int8", "smoothquant-static", 4e-3, 0.51),
    ("int8", "static", 6e-2, 0.49),
    ("fp16", "islands", 2e-6, 1.18),
    ("fp32", "source", 1e-7, 1.0),
)


def verdict(precision: str, recipe: str, distance: float, ratio: float, *, seed: int, batch_distance: float) -> Verdict:
    """What the gate would say of cosines drawn around ``1 - distance``."""
    rng = np.random.default_rng(seed)
    cosines = 1 - distance * rng.lognormal(0, 0.6, 400)
    cosines = np.clip(cosines, -1, 1)
    order = np.argsort(cosines)[:3]
    figures = Figures(
        preparation=0.2,
        cosine_mean=float(cosines.mean()),
        cosine_p01=float(np.percentile(cosines, 1)),
        cosine_min=float(cosines.min()),
        recall_at_10=1 - min(1, 2.2 * distance),
        recall_at_100=1 - distance,
        k_at_10=10,
        k_at_100=40,
        batch_distance=batch_distance,
        norm_error=1e-6,
        spread=0.4,
        latency_ms={batch: 8.1 * ratio * batch**0.9 for batch in BATCHES},
        latency_ratio={batch: ratio * (1 + 0.02 * place) for place, batch in enumerate(BATCHES)},
        labelled=Labelled(377, {1: 0.851, 5: 0.963, 10: 1.0}, {1: 0.851 - distance, 5: 0.96, 10: 1.0}),
        inputs=400,
        products=81,
        bytes=int(90e6 * {"int8": 0.26, "fp16": 0.5, "fp32": 1}[precision]),
    )
    worst = tuple(Worst(HOSTILE if at == order[0] else f"'red mug {at}'", float(cosines[at])) for at in order)
    failures = judge(figures, bounds_for(precision), {"cosine_p01": [str(one) for one in worst]})
    return Verdict(Candidate(precision, recipe, Path("x.onnx")), figures, failures, worst, tuple(cosines.tolist()))


def broken() -> Verdict:
    """A candidate that cannot be run: no figure is a number."""
    failures = judge(Figures(), bounds_for("int8"), {"cosine_p01": ["the graph cannot be loaded"]})
    return Verdict(Candidate("int8", "broken", Path("x.onnx")), Figures(), failures)


def tower(name: str, *, chosen: str | None = "int8-smoothquant-static", seed: int = 3) -> TowerReport:
    """A tower with every kind of candidate; dynamic quantisation depends on its batch."""
    verdicts = [
        verdict(
            precision, recipe, distance, ratio, seed=seed + place, batch_distance=0.03 if recipe == "dynamic" else 1e-7
        )
        for place, (precision, recipe, distance, ratio) in enumerate(CANDIDATES)
    ]
    bounds = {precision: bounds_for(precision) for precision in PRECISIONS}
    return TowerReport(name, (*verdicts, broken()), bounds, chosen)


def report(*, passed: bool = True) -> Report:
    """A whole release."""
    return Report(
        release=12,
        target="tensorrt",
        towers=(tower("text_tower"), tower("vision_tower", chosen="fp32-source" if passed else None, seed=40)),
        catalogue={"file": f"shop/{HOSTILE}.jsonl", "products": 12_345, "pictures": 12_001, "skipped_rows": 3},
        environment={"date": "2026-11-21", "processor": "AMD EPYC", "cores": 2, "onnxruntime": "1.31.1", "avx": True},
        notes=("vision_tower: int8 was asked for and failed; --allow-precision fell back to fp32.",),
        engines={
            "text_tower, NVIDIA H200": {
                "layers": 41,
                "layers_by_precision": {"int8": 12, "fp16": 20, "move": 9},
                "fused_attention": True,
            }
        },
    )
