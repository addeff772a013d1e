"""A trained product tower as an ONNX graph, and what that is held to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from ensemble.features import INPUTS
from ensemble.product_tower import OUTPUT
from export.errors import BadRecommender
from export.recommending.artefact import Artefact
from export.recommending.gemms import split_gemms
from export.reference import Array, Floats, Reference


def load_encoder(artefact: Artefact) -> Any:
    """The tower as PyTorch runs it.

    Raises:
        BadRecommender: Its files cannot be used; names them.
    """
    from training.errors import TrainingInputError
    from training.product.module import ProductEncoder

    try:
        return ProductEncoder.load(artefact.folder).eval()
    except (TrainingInputError, RuntimeError) as error:  # PyTorch names what does not fit by RuntimeError
        raise BadRecommender(f"{artefact.folder}: cannot be loaded as a product tower: {error}") from error


def product_graph(artefact: Artefact, encoder: Any) -> onnx.ModelProto:
    """The FP32 graph: the tensors of ``ensemble.features`` to ``PRODUCT_VECTOR``.

    Raises:
        BadSource: PyTorch cannot trace it.
    """
    import torch

    from export.tracing import TRACE_BATCH, trace

    settings = artefact.settings
    example = (
        torch.zeros((TRACE_BATCH, settings.row_dim), dtype=torch.float32),
        torch.zeros((TRACE_BATCH, settings.levels), dtype=torch.int64),
        torch.zeros((TRACE_BATCH, 1), dtype=torch.int64),
        torch.zeros((TRACE_BATCH, 2), dtype=torch.float32),
        torch.zeros((TRACE_BATCH, 1), dtype=torch.int64),
        torch.zeros((TRACE_BATCH, settings.gram_width), dtype=torch.int64),
    )
    free = tuple({0: torch.export.Dim.DYNAMIC} for _ in example)
    return split_gemms(trace(encoder, example, free, (INPUTS, OUTPUT), str(artefact.folder)))


def reference_of(encoder: Any) -> Reference:
    """What the encoder answers, by PyTorch."""
    import torch

    def reference(inputs: Mapping[str, Array]) -> Floats:
        with torch.no_grad():
            vectors: Floats = encoder(*(torch.from_numpy(inputs[name]) for name in INPUTS)).numpy()
        return vectors

    return reference


def write_graph(artefact: Artefact, path: Path) -> None:
    """Write the FP32 graph.

    Raises:
        BadRecommender: The tower cannot be loaded.
        BadSource: It cannot be traced.
    """
    onnx.save_model(product_graph(artefact, load_encoder(artefact)), str(path))
