"""Device memory that nobody uses any more, back to the GPU."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress


def release() -> None:
    """Give back what PyTorch holds for later: for another index, another process, or larger pieces.

    A GPU that was lost has nothing to give back, and says so; nobody is told.
    """
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        with suppress(RuntimeError):
            torch.cuda.empty_cache()
