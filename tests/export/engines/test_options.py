from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from export.engines.options import Batches, EngineOptions, Shapes, text_profiles, vision_profiles

VISION = vision_profiles(16)


def test_a_text_tower_has_one_profile_a_bucket() -> None:
    profiles = text_profiles((32, 8), Batches(1, 4, 16))
    assert [dict(profile) for profile in profiles] == [
        {"INPUT_IDS": Shapes((1, n), (4, n), (16, n)), "LENGTHS": Shapes((1, 1), (4, 1), (16, 1))} for n in (8, 32)
    ]


def test_a_vision_tower_has_one_profile() -> None:
    (profile,) = vision_profiles(16, Batches(2, 2, 2))
    assert dict(profile) == {"PIXELS": Shapes((2, 16, 16, 3), (2, 16, 16, 3), (2, 16, 16, 3))}


def test_options_are_told_by_name_without_the_timing_cache() -> None:
    told = EngineOptions(VISION, hardware_compatibility="ampere_plus").told()
    assert told["hardware_compatibility"] == "ampere_plus"
    assert told["profiles"] == [{"PIXELS": [[1, 16, 16, 3], [8, 16, 16, 3], [64, 16, 16, 3]]}]
    assert told["refit"] is False
    assert "timing_cache" not in told


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Batches(0, 1, 2), r"not descend, got 0, 1, 2"),
        (lambda: Batches(1, 9, 8), r"not descend, got 1, 9, 8"),
        (lambda: Shapes((1,), (1, 2), (1,)), r"same rank"),
        (lambda: Shapes((4, 2), (4, 1), (4, 2)), r"not descend"),
        (lambda: EngineOptions(()), r"`profiles` must hold at least one"),
        (lambda: EngineOptions(({},)), r"`profiles` must all be over the same inputs"),
        (lambda: EngineOptions((*VISION, *text_profiles([4]))), r"`profiles` must all be over the same inputs"),
        (lambda: EngineOptions(VISION, precision="bf16"), r"`precision` must be one of int8, fp16, fp32, got 'bf16'"),
        (lambda: EngineOptions(VISION, workspace_bytes=0), r"`workspace_bytes` must be at least 1, got 0"),
        (lambda: EngineOptions(VISION, hardware_compatibility="all"), r"none, ampere_plus.*, got 'all'"),
        (lambda: EngineOptions(VISION, optimization_level=6), r"`optimization_level` must be 0 to 5, got 6"),
    ],
)
def test_options_that_cannot_be_are_refused(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()
