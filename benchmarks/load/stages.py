"""Where the time of requests goes, model by model, by Triton's own counters."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

COUNTERS = {
    "nv_inference_count": "rows",
    "nv_inference_exec_count": "runs",
    "nv_inference_request_success": "requests",
    "nv_inference_request_failure": "failed",
    "nv_inference_request_duration_us": "total_us",
    "nv_inference_queue_duration_us": "queue_us",
    "nv_inference_compute_infer_duration_us": "infer_us",
    "nv_inference_compute_input_duration_us": "copy_us",
    "nv_inference_compute_output_duration_us": "copy_us",
}
_LINE = re.compile(r'^(\w+)\{[^}]*model="([^"]+)"[^}]*\} (\S+)$')

Counts = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Stage:
    """One model during a load.

    Args:
        model: Its name.
        requests: That it answered.
        failed: That it refused or failed.
        batch: Rows a run, on average.
        queue_ms: Mean time of a request in its queue.
        infer_ms: In its work, all of its batch included.
        copy_ms: In handing tensors over.
    """

    model: str
    requests: int
    failed: int
    batch: float
    queue_ms: float
    infer_ms: float
    copy_ms: float


def counts(text: str) -> Counts:
    """The counters in what a metrics address answers, summed over versions; by model, then by counter."""
    found: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and match[1] in COUNTERS:
            model = found.setdefault(match[2], dict.fromkeys(COUNTERS.values(), 0.0))
            model[COUNTERS[match[1]]] += float(match[3])
    return found


def read_counts(url: str) -> Counts:
    """The counters of a running server.

    Args:
        url: Its metrics address.
    """
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own loopback address
        return counts(answer.read().decode())


def stages(before: Counts, after: Counts) -> list[Stage]:
    """What each model did between two readings, the longest work first; models without requests are left out."""
    found = []
    for model, now in after.items():
        was = before.get(model, {})
        more = {name: value - was.get(name, 0.0) for name, value in now.items()}
        if more["requests"] > 0:
            found.append(_stage(model, more))
    return sorted(found, key=lambda stage: -(stage.queue_ms + stage.infer_ms))


def _stage(model: str, more: Mapping[str, float]) -> Stage:
    requests = more["requests"]
    queue, infer, copy = (more[name] / requests / 1000 for name in ("queue_us", "infer_us", "copy_us"))
    batch = more["rows"] / more["runs"] if more["runs"] else 0.0
    return Stage(model, int(requests), int(more["failed"]), batch, queue, infer, copy)
