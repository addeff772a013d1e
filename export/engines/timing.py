"""The timing cache: which kernel was how fast on this kind of GPU, kept with the release."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

_log = logging.getLogger(__name__)


def attach(config: Any, path: Path | None) -> None:
    """Give a build the cache of a file; an empty one where there is none or it is of another GPU or TensorRT."""
    if path is None:
        return
    kept = path.read_bytes() if path.is_file() else b""
    # Timings of another device would be taken silently with `ignore_mismatch`, and the engine be slow on this one.
    if kept and not _attached(config, kept):
        _log.warning("%s is a timing cache of another GPU or TensorRT: starting with an empty one", path)
        kept = b""
    if not kept:
        config.set_timing_cache(config.create_timing_cache(b""), False)


def keep(config: Any, path: Path | None) -> None:
    """Write what a build has measured, whole or not at all."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(bytes(config.get_timing_cache().serialize()))
    partial.replace(path)


def _attached(config: Any, kept: bytes) -> bool:
    cache = config.create_timing_cache(kept)
    return cache is not None and bool(config.set_timing_cache(cache, False))
