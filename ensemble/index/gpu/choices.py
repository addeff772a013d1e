"""Tiles that were measured, kept in a file for the next time."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import triton

from ensemble.index.gpu.kernels.tiles import Tile, bucket
from ensemble.index.gpu.rows import DeviceRows

log = logging.getLogger(__name__)

FILE = "tiles.json"


class Choices:
    """The tile that was the fastest, for each kind of GPU and compiler, kind of rows, how many, and size of batch.

    Args:
        folder: Where the file lies; None to keep nothing.
    """

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE
        self._kept: dict[str, Any] = {} if self._path is None else _read(self._path)

    def get(self, key: str) -> Tile | None:
        """The tile of a key; None where there is none that can be used."""
        try:
            return Tile(**self._kept[key])
        except (KeyError, TypeError, ValueError):
            return None

    def put(self, key: str, tile: Tile) -> None:
        """Keep a tile; the file is replaced as a whole. Where it cannot be, the next process measures again."""
        self._kept[key] = asdict(tile)
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            beside = self._path.with_name(f"{FILE}.{os.getpid()}")
            beside.write_text(json.dumps(self._kept, indent=2, sort_keys=True) + "\n", "utf-8")
            beside.replace(self._path)
        except OSError as error:
            log.warning("%s: cannot be written, so that tiles are measured again next time: %s", self._path, error)


def key_of(device: torch.device, rows: DeviceRows, batch: int) -> str:
    """What a choice depends on; so many rows are as good as twice as many, at the most."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    cut = f"dim {rows.dim}, {rows.row_type}, under 2^{rows.count.bit_length()} rows, batch {bucket(batch)}"
    return f"{name}, triton-lang {triton.__version__}, {cut}"


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        log.warning("%s: cannot be read, so that tiles are measured anew: %s", path, error)
        return {}
    return content if isinstance(content, dict) else {}
