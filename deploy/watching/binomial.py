"""Whether a share that was counted is surely above or below a bound: the exact binomial test.

It says "surely" where the one-sided interval of C. J. Clopper and E. S. Pearson ("The use of confidence or fiducial
limits illustrated in the case of the binomial", Biometrika 26, 1934) lies beyond the bound. A mean of shares, as recall
is where a question has several right products, is counted as so many whole ones. By W. Hoeffding ("On the distribution
of the number of successes in independent trials", Ann. Math. Stat. 27, 1956) trials that differ, as questions do, stray
less far from their mean than those that are alike, so that the test errs on the side of "not surely".
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

CHANCE = 0.001


def surely_below(count: int, of: int, share: float) -> bool:
    """Whether ``count`` or fewer of ``of`` would be a chance of less than `CHANCE`, were ``share`` the true one."""
    return at_most(count, of, share) < CHANCE


def surely_above(count: int, of: int, share: float) -> bool:
    """Whether ``count`` or more of ``of`` would be a chance of less than `CHANCE`, were ``share`` the true one."""
    return count > 0 and 1.0 - at_most(count - 1, of, share) < CHANCE


def at_most(count: int, of: int, share: float) -> float:
    """The chance of ``count`` or fewer successes in ``of`` trials that each succeed with chance ``share``.

    Raises:
        ValueError: ``count`` is not 0 to ``of``.
    """
    if not 0 <= count <= of:
        raise ValueError(f"`count` must be 0 to `of`, got {count} of {of}")
    if share <= 0.0 or count == of:
        return 1.0
    if share >= 1.0:
        return 0.0
    ways, yes, no = lgamma(of + 1), log(share), log1p(-share)
    logs = (ways - lgamma(k + 1) - lgamma(of - k + 1) + k * yes + (of - k) * no for k in range(count + 1))
    return min(1.0, sum(map(exp, logs)))
