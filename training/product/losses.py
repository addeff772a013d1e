"""Softmax over a sample of the catalogue, corrected for how likely each product was to be in the sample."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def log_inclusion(drawn: list[tuple[Tensor, int]], negatives: int) -> Tensor:
    """Log of the probability that each product is among the candidates of a step.

    Candidates are the products of the batch and a uniform draw from the catalogue without replacement: mixed negative
    sampling (Yang et al., WWW 2020). The first alone would hold popular products too often, the second unpopular ones.

    Args:
        drawn: for each task, (products,) the probability that a drawn pair holds a product, and how many are drawn.
        negatives: products drawn uniformly.

    Returns:
        (products,), -inf for what is never drawn.
    """
    total = len(drawn[0][0])
    missed = torch.full((total,), max(0.0, 1.0 - negatives / total), dtype=torch.float64)
    for probability, draws in drawn:
        missed = missed * (1.0 - probability.double()).clamp(min=0).pow(draws)
    return (1.0 - missed).log().float()


def sampled_softmax(
    queries: Tensor, candidates: Tensor, positives: Tensor, log_q: Tensor, temperature: Tensor, barred: Tensor
) -> Tensor:
    """Cross entropy against a sample of the catalogue, as near to that against all of it as the sample allows.

    Each candidate stands for all that were as unlikely to be drawn: its score is lessened by the log of its probability
    (logQ; Yi et al., RecSys 2019). The positive is there for certain, so that its score stays as it is (Khrylchenko et
    al., RecSys 2025, arXiv:2507.09331). Each candidate is counted once, however often it was drawn: with the whole
    catalogue as candidates this is the full softmax.

    Args:
        queries: (batch, dim) of length 1.
        candidates: (candidates, dim) of length 1, no product twice.
        positives: (batch,) place of each query's target among the candidates.
        log_q: (candidates,) log of the probability that each is there.
        temperature: scalar.
        barred: (batch, candidates) bool, what cannot be an answer, such as the query itself.
    """
    scores = queries @ candidates.T / temperature
    own = functional.one_hot(positives, len(candidates)).bool()
    logits = (scores - torch.where(own, torch.zeros_like(log_q), log_q)).masked_fill(barred & ~own, -torch.inf)
    return functional.cross_entropy(logits, positives)
