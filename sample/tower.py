"""The sample's vision tower with its trained weights, as ``towers.toml`` names it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sample.errors import SampleInputError

if TYPE_CHECKING:
    from torch import nn

WEIGHTS = Path(__file__).with_name("vision.safetensors")


def vision_tower(weights: Path = WEIGHTS) -> nn.Module:
    """Return the hybrid tower in evaluation mode.

    It maps (batch, 3, 96, 96) float pictures, scaled to 0..1 and normalised by mean 0.5 and std 0.25, to (batch, 384)
    vectors of length 1 in the space of all-MiniLM-L6-v2.

    Args:
        weights: safetensors that ``python -m training vision`` wrote; float16 is widened to float32.

    Raises:
        SampleInputError: there is no such file.
    """
    from safetensors.torch import load_file

    from training.hybrid import HybridTower

    if not weights.is_file():
        raise SampleInputError(f"weights: no file {weights}; `python -m training vision` writes one")
    tower = HybridTower()
    state = load_file(weights)
    tower.load_state_dict(
        {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    )
    return tower.eval()
