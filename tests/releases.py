"""Releases made in tests as the command line makes them."""

from __future__ import annotations

from pathlib import Path

from rich.progress import Progress

from ensemble.release import Manifest
from export.order import DEFAULT_TOWERS, Order
from export.release import make_release as make


def make_release(catalogue: Path, store: Path, towers: Path = DEFAULT_TOWERS) -> Manifest:
    """Make the next release of a store, without showing progress."""
    return make(Order(str(catalogue), store, towers, precision="fp32"), Progress(disable=True))
