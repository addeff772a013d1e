"""Where a run is made and what it leaves behind, so that it can be taken up again."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.console import Console
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from training import checkpoint
from training.errors import CheckpointError, TrainingInputError

Figures = dict[str, float]

_CHECKPOINT, _BEST, _EPOCHS = "checkpoint.safetensors", "best.safetensors", "epochs.json"


@dataclass(frozen=True)
class Run:
    """Where a run is made; nothing of it decides the weights, but for the last bits that another device rounds.

    Attributes:
        work: folder of checkpoints; None to keep none.
        console: shows progress; None to show nothing.
        device: of torch: "cpu", "cuda", "cuda:1".
        workers: processes that draw batches ahead; 0 to draw them in this one.
    """

    work: Path | None = None
    console: Console | None = None
    device: str = "cpu"
    workers: int = 0

    def on(self) -> torch.device:
        """The device.

        Raises:
            TrainingInputError: torch has no such device here.
        """
        try:
            device = torch.device(self.device)
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise TrainingInputError(f"device: got {self.device!r}, which torch does not have here: {error}") from error
        return device

    def clear(self) -> None:
        """Remove the checkpoints, once what was trained is saved; other files of ``work`` stay."""
        if self.work is not None:
            for name in (_CHECKPOINT, _BEST, _EPOCHS):
                (self.work / name).unlink(missing_ok=True)


@dataclass
class Progress:
    """What has been reached: the steps done, the figures of each epoch, and the best weights so far."""

    steps: int = 0
    epochs: list[Figures] = field(default_factory=list)
    best: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def best_epoch(self) -> int:
        """Number of the epoch with the best figure, the first of several, counted from 1; 0 before the first.

        The last one where nothing was held out, so that no epoch has a figure.
        """
        figures = [epoch["figure"] for epoch in self.epochs if "figure" in epoch]
        return figures.index(max(figures)) + 1 if figures else len(self.epochs)

    def add(self, figures: Figures, model: nn.Module) -> None:
        """Take note of an epoch; the weights are kept where it is the best."""
        self.epochs.append(figures)
        if self.best_epoch == len(self.epochs):
            self.best = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}


@dataclass(frozen=True)
class Keeping:
    """The checkpoints of a run.

    Attributes:
        folder: where they are; None for none.
        identity: text that a resuming run must bring again: recipe, data and code.
    """

    folder: Path | None
    identity: str

    def resume(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
        """Put the last checkpoint back, where there is one.

        Raises:
            CheckpointError: it is of another recipe, other data or other code, or a file cannot be read.
        """
        if self.folder is None or not (self.folder / _CHECKPOINT).is_file():
            return Progress()
        steps = checkpoint.load(self.folder / _CHECKPOINT, model, optimizer, self.identity)
        try:
            epochs: list[Figures] = json.loads((self.folder / _EPOCHS).read_text("utf-8"))
            best = load_file(self.folder / _BEST)
        except (OSError, ValueError, SafetensorError) as error:
            raise CheckpointError(
                f"{self.folder} cannot be resumed from: {error}; remove its {_CHECKPOINT} or choose another --work"
            ) from error
        # An interrupted save may have told of one epoch more; it is done again, with the same figures.
        return Progress(steps, epochs[: epochs_done(epochs, steps)], best)

    def keep(self, progress: Progress, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Write what has been reached; the checkpoint last, so that all it needs is there."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        best, epochs = self.folder / f"{_BEST}.part", self.folder / f"{_EPOCHS}.part"
        save_file(progress.best, best)
        epochs.write_text(json.dumps(progress.epochs, indent=1) + "\n", "utf-8")
        best.replace(self.folder / _BEST)
        epochs.replace(self.folder / _EPOCHS)
        checkpoint.save(self.folder / _CHECKPOINT, model, optimizer, progress.steps, self.identity)


def epochs_done(epochs: list[Figures], steps: int) -> int:
    """How many of the epochs had ended when so many steps were done."""
    return sum(epoch["steps"] <= steps for epoch in epochs)
