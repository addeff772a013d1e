"""What the towers run on, and what their configs become there.

On ``cpu`` a tower is the Python model of ``model_repository/``; on the others it is a file that one of Triton's own
backends runs. Tensors are the same everywhere, so no other model knows the target. The reasons for each setting are in
docs/decisions/0007-towers-on-tritons-own-backends.md.
"""

from __future__ import annotations

CPU, ONNXRUNTIME, TENSORRT = "cpu", "onnxruntime", "tensorrt"
# What each target can run on; the first is taken where nothing is asked for.
DEVICES = {CPU: ("cpu",), ONNXRUNTIME: ("cpu", "gpu"), TENSORRT: ("gpu",)}
TARGETS = tuple(DEVICES)
TEXT, VISION = "text_tower", "vision_tower"
TOWERS = (TEXT, VISION)
# Runs within ``recommender``, by ONNX Runtime on the CPU whatever the target.
PRODUCT = "product_tower"
RETRIEVE = "retrieve"
RECOMMENDER = "recommender"
GRAPH = "model.onnx"


def choose_device(target: str, device: str = "") -> str:
    """The device that a target runs on.

    Args:
        target: One of ``TARGETS``.
        device: ``cpu`` or ``gpu``; empty for the target's own.

    Raises:
        ValueError: There is no such target, or it does not run there.
    """
    if target not in DEVICES:
        raise ValueError(f"`target` must be one of {', '.join(TARGETS)}, got {target!r}")
    allowed = DEVICES[target]
    if device and device not in allowed:
        raise ValueError(f"`device` must be {' or '.join(allowed)} for target {target}, got {device!r}")
    return device or allowed[0]
