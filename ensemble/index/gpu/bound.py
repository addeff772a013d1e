"""How far a score of the scan may be from the true one.

A query is split into ``q = (h_1 + .. + h_m) + rest``, with ``h_i`` of half precision; a row ``r`` is of half precision.
Products of two such numbers are exact in float32 (11 + 11 bits). What the scan errs by in ``q . r`` is therefore

- the sums of ``n = dim`` products that are ``h_i . r``, in float32. For sums in any order, with each addition rounded
  to the nearest, each is off by at most ``gamma_n * sum |h_ij| |r_j|``, where ``gamma_n = n u / (1 - n u)`` and
  ``u = 2**-24`` (N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, section 3.1). Tensor cores cut
  off where they should round, which doubles ``u``, and add the sum so far as one more number to each block of at least
  four products, which makes ``n`` larger by a quarter (M. Fasi, N. Higham, M. Mikaitis, S. Pranesh, Numerical behavior
  of NVIDIA tensor cores, PeerJ Computer Science 7:e330, 2021). By Cauchy-Schwarz ``sum |h_ij| |r_j|`` is at most
  ``||h_i|| ||r||``, and the norms of the halves together exceed ``||q||`` by less than a thousandth;
- what is rounded afterwards: the sum of the halves, and of it and the bound itself; for int8 rows, raising their score
  and multiplying it by their scale. Each counts as one addition more;
- and ``|rest . r| <= ||rest|| ||r||``, with the rest that the query really has.

The largest norm of a row of the bin stands for ``||r||``: one long row weakens the bound of its own bin alone.
Multiplying by a power of two is exact. The scan raises each score by its bound, so that it is no less than ``q . r``,
and then adds the boost. That sum is rounded, but rounding is monotone: it is no less than the true sum rounded alike.
"""

from __future__ import annotations

UNIT = 2.0**-24
# One addition more for each block of four products.
BLOCKS = 5 / 4
# Of a score, after its products are summed.
ROUNDED = 4


def gamma(dim: int) -> float:
    """Relative error of an inner product on the tensor cores, of the product of the norms.

    Args:
        dim: Length of the rows.
    """
    share = (BLOCKS * dim + ROUNDED) * 2 * UNIT
    return share / (1 - share)
