"""Kinds of operators, as far as FP16 is concerned."""

from __future__ import annotations

from collections.abc import Mapping

SUMS = frozenset(
    {
        "AveragePool",
        "CumSum",
        "GlobalAveragePool",
        "GlobalLpPool",
        "LpPool",
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceMean",
        "ReduceProd",
        "ReduceSum",
        "ReduceSumSquare",
    }
)
NORMS = frozenset(
    {
        "GroupNormalization",
        "InstanceNormalization",
        "LayerNormalization",
        "LpNormalization",
        "MeanVarianceNormalization",
        "RMSNormalization",
    }
)
# What stays FP32 for the operator's sake, and why.
ISLANDS: Mapping[str, str] = {
    **dict.fromkeys(sorted(SUMS), "a sum over many values"),
    **dict.fromkeys(sorted(NORMS), "a normalisation"),
    "Softmax": "a softmax",
    "LogSoftmax": "a softmax",
}
# Change where numbers are, not what they are.
MOVES = frozenset(
    {
        "Concat",
        "Expand",
        "Flatten",
        "Identity",
        "Reshape",
        "Slice",
        "Split",
        "Squeeze",
        "Tile",
        "Transpose",
        "Unsqueeze",
        "Where",
    }
)
ELEMENTWISE = frozenset({"Abs", "Add", "Clip", "Div", "Max", "Min", "Mul", "Neg", "Pow", "Reciprocal", "Sqrt", "Sub"})
# From values to what is summed: squares, and states under a mask.
BEFORE_SUMS = frozenset({"Abs", "Mul", "Pow"})
# From a sum back to values of the usual size: with one of these a mean or a norm is done.
ENDS_OF_NORMS = frozenset({"Div", "Mul"})
