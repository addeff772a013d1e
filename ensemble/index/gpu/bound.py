"""How far a score of the scan may be from the true one.

A query is split into ``q = (h_1 + .. + h_m) + rest``, with ``h_i`` of half precision; a row ``r`` is of half precision.
Products of two such numbers are exact in float32 (11 + 11 bits). What the scan errs by in ``q . r`` is therefore

- the sum of ``n = m * dim`` products in float32. For sums in any order, with each addition rounded to the nearest, it
  is at most ``gamma_n * sum |h_i| |r_i|``, where ``gamma_n = n u / (1 - n u)`` and ``u = 2**-24`` (N. Higham, Accuracy
  and Stability of Numerical Algorithms, 2nd edition, section 3.1). Tensor cores cut off where they should round, which
  doubles ``u``, and add the sum so far as one more number to each block of at least four products, which makes ``n``
  larger by a quarter (M. Fasi, N. Higham, M. Mikaitis, S. Pranesh, Numerical behavior of NVIDIA tensor cores, PeerJ
  Computer Science 7:e330, 2021). By Cauchy-Schwarz ``sum |q_i| |r_i| <= ||q|| ||r||``;
- and ``|rest . r| <= ||rest|| ||r||``, with the rest that the query really has.

The largest norm of a row stands for ``||r||``. Multiplying by a power of two is exact. Adding the boost is rounded, but
rounding is monotone: where the sum before is at least ``t``, the sum in float32 is at least ``t`` rounded down. So that
it needs no share of the bound, which is set off before that rounding.
"""

from __future__ import annotations

UNIT = 2.0**-24
# One addition more for each block of four products.
BLOCKS = 5 / 4


def gamma(dim: int, halves: int) -> float:
    """Relative error of an inner product on the tensor cores, of the product of the norms.

    Args:
        dim: Length of the rows.
        halves: Numbers of half precision that a value of the query is split in.
    """
    share = BLOCKS * halves * dim * 2 * UNIT
    return share / (1 - share)
