from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import parser

from export.precision.extremes import Extremes
from export.precision.matmuls.smoothing import smooth
from export.precision.matmuls.weights import largest_pair, quantise
from export.reference import Floats
from tests.export.precision.graphs import run

WEIGHTS = arrays(
    np.float32,
    st.tuples(st.integers(1, 40), st.integers(1, 5)),
    elements=st.floats(-8, 8, width=32) | st.sampled_from([-8.0, 8.0, 0.0]),
)
PRODUCT = """
<ir_version: 8, opset_import: ["" : 21, "com.microsoft" : 1]>
product (uint8[rows, inner] codes, int8[inner, outer] weights) => (float[rows, outer] answer)
<float one = {1.0}>
{
    answer = com.microsoft.MatMulIntegerToFloat (codes, weights, one, one)
}
"""


@settings(deadline=None)
@given(WEIGHTS)
def test_no_pair_of_neighbours_overflows_and_no_weight_is_off_by_more_than_half_a_step(weights: Floats) -> None:
    quantised = quantise(weights)
    codes = quantised.values.astype(np.int32)
    assert largest_pair(codes.astype(np.float32)).max() * 255 <= np.iinfo(np.int16).max
    assert np.abs(codes).max() <= 127
    assert (np.abs(quantised.floats - weights) <= quantised.scales * 0.5001).all()


@settings(deadline=None)
@given(WEIGHTS)
def test_the_runtimes_product_is_exact_on_the_worst_codes(weights: Floats) -> None:
    values = quantise(weights).values
    # Row by row: 255 where a column is positive, then where it is negative; nothing pulls a sum further.
    codes = np.concatenate([(values > 0).T, (values < 0).T]).astype(np.uint8) * np.uint8(255)
    answer = run(parser.parse_model(PRODUCT), {"codes": codes, "weights": values})
    np.testing.assert_array_equal(answer, codes.astype(np.int64) @ values.astype(np.int64))


def test_a_full_range_would_saturate_where_the_kernel_adds_in_16_bits() -> None:
    heavy = np.full((8, 1), 3.0, np.float32)
    assert quantise(heavy).values.max() == 64
    assert quantise(heavy * (np.arange(8) % 2)[:, None]).values.max() == 127


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 30))
def test_smoothing_leaves_the_product_as_it_is(seed: int, spread: float) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(random.normal(size=8), np.exp(random.normal(size=8)) * spread, (20, 8))
    matrices = [random.normal(size=(8, 3)), random.normal(size=(8, 5)) * 10]
    found = smooth(Extremes(values.min(axis=0), values.max(axis=0)), matrices)
    smoothed = (values - found.middle) / found.size
    for matrix in matrices:
        again = smoothed @ (matrix * found.size[:, None]) + found.middle @ matrix
        np.testing.assert_allclose(again, values @ matrix, rtol=1e-4, atol=1e-4 * (1 + spread))
    assert smoothed.min() >= found.low - 1e-5
    assert smoothed.max() <= found.high + 1e-5
