"""Checkpoints in safetensors: weights, optimiser state and the step, so that a run resumes where it was."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from training.errors import CheckpointError

_MODEL, _STATE = "model.", "state."


def _named(modules: nn.Module) -> dict[str, nn.Parameter]:
    return dict(modules.named_parameters())


def save(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, step: int, recipe: str) -> None:
    """Write a checkpoint; a half-written one never takes the place of a whole one.

    Args:
        path: file to write.
        model: all its parameters and buffers are kept.
        optimizer: its state for each parameter of ``model`` is kept.
        step: steps done.
        recipe: text that a resuming run must bring again.
    """
    tensors: dict[str, Tensor] = {_MODEL + name: value.contiguous() for name, value in model.state_dict().items()}
    for name, parameter in _named(model).items():
        for key, value in optimizer.state[parameter].items():
            tensors[f"{_STATE}{key}/{name}"] = torch.as_tensor(value).contiguous()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    save_file(tensors, partial, metadata={"step": str(step), "recipe": recipe})
    partial.replace(path)


def load(path: Path, model: nn.Module, optimizer: torch.optim.Optimizer, recipe: str) -> int:
    """Put a checkpoint back into ``model`` and ``optimizer``; return the number of steps done.

    Raises:
        CheckpointError: it was written by another recipe, or cannot be read.
    """
    metadata, tensors = _read(path)
    if metadata.get("recipe") != recipe:
        raise CheckpointError(
            f"{path} is of another recipe, other data or another version of the code; remove it or choose another "
            "--work"
        )
    model.load_state_dict(
        {name.removeprefix(_MODEL): value for name, value in tensors.items() if name.startswith(_MODEL)}
    )
    parameters = _named(model)
    for name, value in tensors.items():
        if name.startswith(_STATE):
            key, parameter = name.removeprefix(_STATE).split("/", 1)
            # A count of steps is one number, which AdamW keeps in main memory wherever the weights are.
            place = parameters[parameter].device if value.dim() else value.device
            optimizer.state[parameters[parameter]][key] = value.to(place)
    return int(metadata["step"])


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no dict
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}; remove it or choose another --work") from error


def save_half(path: Path, model: nn.Module, metadata: dict[str, str]) -> None:
    """Write the weights alone, floating point ones in float16."""
    state = {k: v.half() if v.is_floating_point() else v for k, v in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in state.items()}, path, metadata=metadata)
