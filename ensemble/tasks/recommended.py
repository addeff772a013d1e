"""What a request is answered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.found import Found, rectangle
from ensemble.index import Hits, State
from ensemble.tasks.answering import Recommendation
from ensemble.tasks.asked import Asked


@dataclass(frozen=True)
class Recommended:
    """The answer of one request, all of it from one state of the index.

    Args:
        found: The products of each row; the hits are in the order of the answer, which scores of several rules do not
            follow.
        rules: Of each product of each row the rule that produced it.
        reasons: Of each row why not all products are of its profile's task; empty where they are.
        profiles: Of each row the profile's name.
    """

    found: Found
    rules: list[list[str]]
    reasons: list[str]
    profiles: list[str]

    @classmethod
    def of(
        cls, asked: Sequence[Asked], answers: Sequence[Recommendation], state: State, *, documents: bool = True
    ) -> Recommended:
        """Take what was picked out of a state that is still open."""
        hits = [
            Hits(
                np.array([pick.slot for pick in one.picks], np.int64),
                np.array([pick.score for pick in one.picks], np.float32),
            )
            for one in answers
        ]
        return cls(
            Found.of(hits, state, documents=documents),
            [[pick.rule for pick in one.picks] for one in answers],
            [one.reason for one in answers],
            [one.profile.name for one in asked],
        )

    def tensors(self, release: int = 0) -> dict[str, NDArray[Any]]:
        """The outputs of the model, rows padded to the longest.

        Args:
            release: The one that answers.

        Returns:
            ``PRODUCT_ID``, ``SCORE``, ``RULE`` and, where documents are wanted, ``PRODUCT`` ``(batch, width)``;
            ``COUNT``, ``REASON``, ``RELEASE`` and ``SEQ`` ``(batch, 1)``.
        """
        tensors = rectangle(self.found)
        rules = np.full(tensors["PRODUCT_ID"].shape, b"", object)
        for number, row in enumerate(self.rules):
            rules[number, : len(row)] = [rule.encode() for rule in row]
        reasons = np.array([[reason.encode()] for reason in self.reasons], object)
        releases = np.full(tensors["SEQ"].shape, release, np.int64)
        return tensors | {"RULE": rules, "REASON": reasons, "RELEASE": releases}
