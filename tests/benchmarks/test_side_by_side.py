from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks import side_by_side
from benchmarks.side_by_side import Feed, System, faithfulness, measure, part, ratios

Floats = NDArray[np.float32]


def unit(rows: int) -> Floats:
    vectors = np.random.default_rng(1).normal(size=(rows, 8)).astype(np.float32)
    made: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return made


FEED = {"X": unit(20)}


def exact(feed: Feed) -> Floats:
    found: Floats = feed["X"]
    return found


def test_a_system_that_answers_the_same_is_faithful() -> None:
    found = faithfulness(exact, FEED, FEED["X"])
    assert min(found.cosine_mean, found.cosine_p01, found.cosine_min) > 0.999999
    assert found.batch_distance == 0


def test_one_wrong_row_is_the_worst_cosine() -> None:
    def turned(feed: Feed) -> Floats:
        return exact(feed) * np.where(np.arange(len(feed["X"])) == 7, -1, 1)[:, None].astype(np.float32)

    found = faithfulness(turned, FEED, FEED["X"])
    assert found.cosine_min == pytest.approx(-1)
    assert found.cosine_mean == pytest.approx(0.9)


def test_what_depends_on_the_batch_shows() -> None:
    found = faithfulness(lambda feed: exact(feed) + np.float32(0.001 * len(feed["X"])), FEED, FEED["X"])
    assert found.batch_distance == pytest.approx(0.019, rel=1e-3)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [(np.full((20, 8), np.nan), FEED["X"]), (FEED["X"][:, :4], FEED["X"]), (FEED["X"][:0], FEED["X"][:0])],
)
def test_what_cannot_be_compared_is_refused(answer: Any, reference: Floats) -> None:
    with pytest.raises(ValueError, match="vectors"):
        faithfulness(lambda _: answer.astype(np.float32), FEED, reference)


def test_parts_begin_again_at_the_end() -> None:
    feed = {"X": np.arange(5)}
    assert part(feed, 3, 4)["X"].tolist() == [3, 4, 0, 1]
    assert part(feed, 0, 7)["X"].tolist() == [0, 1, 2, 3, 4, 0, 1]


def test_systems_meet_the_same_batches_and_times_are_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 0.0
    met: dict[str, list[int]] = {"fast": [], "slow": []}
    clock = SimpleNamespace(perf_counter=lambda: now_s)
    monkeypatch.setattr(side_by_side, "time", clock)

    def system(name: str, cost_s: float) -> System:
        def run(feed: Feed) -> Floats:
            nonlocal now_s
            met[name].append(len(feed["X"]))
            # Every fifth run is disturbed, which a median does not mind.
            now_s += cost_s * (10 if len(met[name]) % 5 == 0 else 1)
            return exact(feed)

        return run

    found = measure({"fast": system("fast", 0.001), "slow": system("slow", 0.004)}, FEED, (1, 8), rounds=3, seconds=0.2)
    assert {name: set(sizes) for name, sizes in met.items()} == {"fast": {1, 8}, "slow": {1, 8}}
    assert found == {batch: {"fast": pytest.approx(1), "slow": pytest.approx(4)} for batch in ("b1", "b8")}
    assert ratios(found, "fast")["b8"] == {"fast": 1, "slow": 4}
