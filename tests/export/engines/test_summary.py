from __future__ import annotations

import json
from typing import Any

import pytest

from export.engines.summary import summarise
from export.errors import EngineFailed


def _layer(name: str, kind: str, **tensor: str) -> dict[str, Any]:
    return {"Name": name, "LayerType": kind, "Inputs": [tensor], "Outputs": [tensor]}


# Shapes of both schemas as NVIDIA's documentation shows them: "Engine Inspector" of 8.6 and 10.16, and "Migrating
# IEngineInspector Usage from TensorRT 10.x to 11.x".
OLD = {
    "Layers": [
        _layer("/embed/Gather", "Gather", **{"Format/Datatype": "Row major linear FP32"}),
        _layer("__myl_FcAdd_myl0_5", "kgen", **{"Format/Datatype": "Half"}),
        _layer("conv1", "CaskConvolution", **{"Format/Datatype": "Thirty-two wide channel row major Int8 format"}),
        _layer("copy", "Reformat", **{"Format/Datatype": "Half"}),
        _layer("cast", "kgen", **{"Format/Datatype": "UInt8"}),
        _layer("later", "kgen", **{"Format/Datatype": "N/A due to dynamic shapes"}),
        _layer("conv1 [profile 1]", "CaskConvolution", **{"Format/Datatype": "Int8"}),
    ],
    "Bindings": ["PIXELS", "IMAGE_VECTOR"],
}  # fmt: skip
NEW = {
    "Layers": [
        _layer("/embed/Gather", "Gather", Format="Row major linear FP32 format (kLINEAR)", DataType="Float"),
        _layer("_gemm_mha_v2_myl3_6", "kgen", Format="Row major linear FP16 format (kLINEAR)", DataType="Half"),
        _layer("fc", "gemm", Format="", DataType="Int8"),
    ],
    "I/O Tensors": [{"Name": "PIXELS", "IOMode": "Input", "DataType": "UInt8"}],
}


def test_the_schema_of_10_is_read() -> None:
    summary = summarise(json.dumps(OLD))
    assert summary.layers_by_precision == {"int8": 1, "fp16": 1, "fp32": 1, "move": 1, "other": 2}
    assert (summary.layers, summary.fused_attention) == (6, False)


def test_the_schema_of_11_is_read() -> None:
    summary = summarise(json.dumps(NEW))
    assert summary.layers_by_precision == {"int8": 1, "fp16": 1, "fp32": 1}
    assert summary.told() == "3 layers (1 int8, 1 fp16, 1 fp32), attention fused"


@pytest.mark.parametrize(
    ("layer", "fused"),
    [
        ({"Name": "x", "TacticName": "fmha_v2_fp16_64_64_S_128_sm90"}, True),
        ({"Name": "__mye8037_gemm_mha_v2"}, True),
        ({"Name": "/encoder/mha/MatMul_myl0_4", "TacticName": "sm80_xmma_gemm"}, False),
        ({"Name": "encoder.mha.weight + Add"}, False),
        ("_gemm_mha_v2_myl3_6", True),
        ("__myl_Softmax_3", False),
    ],
)
def test_fused_attention_is_a_kernel_and_not_the_name_of_a_node(layer: Any, fused: bool) -> None:
    assert summarise(json.dumps({"Layers": [layer]})).fused_attention is fused


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"Layers": 3}'])
def test_what_is_no_inspectors_answer_is_refused(text: str) -> None:
    with pytest.raises(EngineFailed, match="not understood"):
        summarise(text)
