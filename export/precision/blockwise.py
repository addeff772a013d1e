"""Weights in blocks of 8 bits, by ONNX Runtime's ``MatMulNBits``: less gain than INT8 products, hardly any loss.

The kernel quantises each row of the left side block by block, so an answer does not depend on the batch.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from onnx import ModelProto

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.editing import Editor
from export.precision.matmuls.sites import TOKEN_RANK, find_sites

BITS = 8
# Of 32, 64, 128 and 256, the one that was both faster and more faithful than its neighbours on MiniLM.
BLOCK = 128
# The left side is quantised too, which makes the product an integer one.
ACCURACY_LEVEL = 4


def blockwise(graph: ModelProto, calibration: Calibration, least_rank: int = TOKEN_RANK) -> ModelProto | None:
    """8-bit weights in blocks, which need no ranges; ``None`` where there is nothing to quantise.

    Raises:
        PrecisionFailed: The graph is not valid, or ONNX Runtime refuses it.
    """
    editor = Editor(graph)
    sites = find_sites(editor, least_rank)
    if not sites:
        return None
    from onnxruntime.quantization.matmul_nbits_quantizer import DefaultWeightOnlyQuantConfig, MatMulNBitsQuantizer

    ours = {node.name for site in sites for node in site.products}
    others = [node.name for node in editor.nodes if node.op_type == "MatMul" and node.name not in ours]
    how = DefaultWeightOnlyQuantConfig(BLOCK, is_symmetric=True, accuracy_level=ACCURACY_LEVEL, bits=BITS)
    try:
        with _quiet():
            quantizer = MatMulNBitsQuantizer(editor.model, algo_config=how, nodes_to_exclude=others)
            quantizer.process()
    except Exception as error:  # onnxruntime raises one class per kind of failure
        raise PrecisionFailed(f"ONNX Runtime cannot quantise in blocks: {error}") from error
    quantised: ModelProto = quantizer.model.model
    return quantised


@contextmanager
def _quiet() -> Iterator[None]:
    """It tells of every node that it leaves alone."""
    logger = logging.getLogger("onnxruntime.quantization.matmul_nbits_quantizer")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
