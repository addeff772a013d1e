"""Rows of 8 bits."""

from __future__ import annotations

import math

import torch

LARGEST = 127
# A rounded value is off by up to half a step either way, evenly: by 1 / sqrt(12) of a step in the mean square
# (B. Widrow, I. Kollar, Quantization Noise, 2008). Where the errors of a row's values are independent of each other,
# its score is off by scale * ||query|| / sqrt(12), normally distributed for rows of some length: by more than six times
# that, in two of a thousand million. Rows whose values are rounded alike are not of this kind: nothing is promised.
SPREAD = 6 / math.sqrt(12)


def quantized(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Each row as whole multiples of its largest value's 127th.

    Args:
        values: ``(rows, dim)`` float32.

    Returns:
        ``(rows, dim)`` int8 and ``(rows,)`` float32 scales; 0 for a row of zeros.
    """
    scales = values.abs().amax(dim=1) / LARGEST
    steps = torch.where(scales > 0, scales, 1.0)
    return torch.round(values / steps[:, None]).clamp_(-LARGEST, LARGEST).to(torch.int8), scales
