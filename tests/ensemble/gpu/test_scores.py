"""Business scores on the device, held to those of main memory at every state of an index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.errors import InvalidInput
from ensemble.index.gpu import terms as device_terms
from ensemble.index.terms import HostTerms
from tests.ensemble.gpu.living import living
from tests.ensemble.test_masks import seeds, start, step, steps

SCORES = [
    b"similarity + 0.25 * size",
    b"2 * similarity - price / 3 + new",
    b"similarity + log1p(fill(size, 0)) * sqrt(price) - exp(min(size, 2))",
    b"similarity + 1 / price",
    b"0.5 * similarity + 3",
]


@settings(deadline=None, max_examples=15)
@given(history=st.lists(steps, max_size=20), seed=seeds)
def test_every_state_is_scored_as_in_main_memory(history: list[tuple[Any, ...]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    catalogue = start()
    index, terms = living(catalogue)
    host = HostTerms(index.slots)
    for action in [*history, ("apply",)]:
        step(catalogue, index, rng, action)
    host.forget()
    batch = [SCORES[0], b"", *SCORES[::-1]]
    added = terms.boosts([terms.boost(text) for text in batch])
    assert added is not None
    assert added.rows.dtype == torch.float32
    assert added.rows.shape[1] == terms.columns.count
    places = terms.columns.places.of_slots(np.arange(len(index.slots)))
    for text, row in zip(batch, added.which.tolist(), strict=True):
        twin = host.boost(text)
        assert (row == -1) == (twin is None)
        if twin is not None:
            np.testing.assert_allclose(added.rows[row].numpy()[places], twin, rtol=2e-7)
            assert torch.isfinite(added.rows[row]).all()


def test_a_batch_without_scores_adds_nothing() -> None:
    _, terms = living(start())
    assert terms.boost(b"") is None
    assert terms.boost(b"2 * similarity") is None
    assert terms.boosts([None, None]) is None


def test_scores_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_terms, "PLACES_AT_ONCE", 50)
    index, terms = living(start())
    added, twin = terms.boosts([terms.boost(SCORES[2])]), HostTerms(index.slots).boost(SCORES[2])
    assert added is not None
    assert twin is not None
    np.testing.assert_allclose(added.rows[0].numpy()[: len(index.slots)], twin, rtol=2e-7)


def test_a_score_over_a_column_that_became_words_is_refused() -> None:
    catalogue = start()
    index, terms = living(catalogue)
    assert terms.boost(SCORES[0]) is not None
    catalogue.patch("S1", attributes={"size": "XL"})
    index.apply(catalogue.changes(index.seq))
    with pytest.raises(InvalidInput, match="'size' is no number"):
        terms.boost(SCORES[0])
