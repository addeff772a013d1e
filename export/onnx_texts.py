"""What stands before and after an ONNX source, in ONNX's own text form; doubled braces are those of the text."""

from __future__ import annotations

TEXT_PROLOGUE = """
text_prologue (int64[batch, sequence] INPUT_IDS, int32[batch, 1] LENGTHS)
    => ({type_0}[batch, sequence] input_ids, {type_1}[batch, sequence] attention_mask,
        {type_2}[batch, sequence] token_type_ids, float[batch, sequence] pool_mask)
{{
    zero = Constant <value_int = 0> ()
    one = Constant <value_int = 1> ()
    shape = Shape (INPUT_IDS)
    width = Gather (shape, one)
    positions = Range (zero, width, one)
    counts = Cast <to = 7> (LENGTHS)
    inside = Less (positions, counts)
    nothing = Mul (INPUT_IDS, zero)
    input_ids = Cast <to = {code_0}> (INPUT_IDS)
    attention_mask = Cast <to = {code_1}> (inside)
    token_type_ids = Cast <to = {code_2}> (nothing)
    pool_mask = Cast <to = 1> (inside)
}}
"""

VISION_PROLOGUE = """
vision_prologue (uint8[batch, {size}, {size}, 3] PIXELS) => (float[{shape}] image)
{{
    floats = Cast <to = 1> (PIXELS)
    scale = Constant <value_floats = [{scale}]> ()
    shift = Constant <value_floats = [{shift}]> ()
    scaled = Mul (floats, scale)
    normalised = Add (scaled, shift)
    image = {layout} (normalised)
}}
"""

MEAN_POOLING = """
    axis_1 = Constant <value_ints = [1]> ()
    axis_2 = Constant <value_ints = [2]> ()
    least = Constant <value_float = 1.0> ()
    weights = Unsqueeze (pool_mask, axis_2)
    weighted = Mul (states, weights)
    total = ReduceSum <keepdims = 0> (weighted, axis_1)
    counted = ReduceSum <keepdims = 0> (weights, axis_1)
    count = Max (counted, least)
    pooled = Div (total, count)
"""
CLS_POOLING = """
    first = Constant <value_int = 0> ()
    pooled = Gather <axis = 1> (states, first)
"""
FLATTEN = """
    pooled = Flatten (states)
"""
AVERAGE = """
    averaged = Constant <value_ints = {axes}> ()
    pooled = ReduceMean <keepdims = 0> (states, averaged)
"""
AVERAGE_BY_ATTRIBUTE = """
    pooled = ReduceMean <axes = {axes}, keepdims = 0> (states)
"""
NORM = """
    axis = Constant <value_ints = [1]> ()
    eps = Constant <value_float = {eps}> ()
    squares = Mul (projected, projected)
    sum = ReduceSum <keepdims = 1> (squares, axis)
    root = Sqrt (sum)
    norm = Max (root, eps)
    {output} = Div (projected, norm)
"""
