"""One release in the making: what each of its steps has at hand."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from export import repository
from export.kept import Kept
from export.order import Order, Plans
from export.origin import Origin
from export.steps import Recorder
from export.store import Staging

MAX_THREADS = 8


@dataclass(frozen=True)
class Work:
    """One release in the making.

    Args:
        order: What is to be released.
        plans: The towers to be.
        origin: Where its products come from.
        stage: Where its files go.
        recorder: Collects its steps.
        kept: Results of earlier tries.
    """

    order: Order
    plans: Plans
    origin: Origin
    stage: Staging
    recorder: Recorder
    kept: Kept

    def version(self, model: str) -> Path:
        """Folder of this release's version of a model."""
        return repository.version_folder(self.stage.models, model, self.stage.release)


def threads() -> int:
    """How many threads a step works with."""
    return min(os.cpu_count() or 1, MAX_THREADS)
