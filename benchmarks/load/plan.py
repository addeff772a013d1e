"""How long everything is measured."""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("knee", "at_50", "at_80", "overload", "switch")


@dataclass(frozen=True)
class Plan:
    """Times and bounds of a whole measurement.

    Args:
        step_s: One rate of the search for the knee.
        confirm_s: How long the rate that was found has to hold, or the next lower one.
        steady_s: At 50 and 80 % of it.
        overload_s: At three times it.
        after_s: How long the return to normal is watched, at half of it.
        switch_s: The switches.
        switches: Activations and rollbacks in them.
        canary_s: How long a release is on trial among them.
        share: Part of the shop's different requests that is used; the answers of both releases to all of them are
            asked beforehand.
        first_rps: Where the search for the knee begins.
        finest: It ends where a rate that holds and one that does not are so close.
        p99_ms: At a rate that holds, at most this.
        writes_per_s: Upserts and patches that stream in beside the searches, all the time.
        precision: Of the second release.
    """

    step_s: float = 20.0
    confirm_s: float = 60.0
    steady_s: float = 90.0
    overload_s: float = 30.0
    after_s: float = 30.0
    switch_s: float = 600.0
    switches: int = 20
    canary_s: float = 60.0
    share: float = 1.0
    first_rps: float = 150.0
    finest: float = 0.06
    p99_ms: float = 250.0
    writes_per_s: float = 5.0
    precision: str = "int8"

    def __post_init__(self) -> None:
        times = ("step_s", "confirm_s", "steady_s", "overload_s", "after_s", "switch_s", "canary_s")
        for name in (*times, "first_rps", "p99_ms"):
            if getattr(self, name) <= 0:
                raise ValueError(f"`{name}` must be above 0, got {getattr(self, name)}")
        if not 0 < self.share <= 1 or not 0 < self.finest < 1:
            raise ValueError(f"`share` and `finest` must be above 0 and at most 1, got {self.share} and {self.finest}")
        if self.switches < 2:
            raise ValueError(f"`switches` must be at least 2, got {self.switches}")


FULL = Plan()
QUICK = Plan(
    step_s=4.0, confirm_s=4.0, steady_s=6.0, overload_s=5.0, after_s=6.0, switch_s=30.0, switches=4, canary_s=5.0,
    share=0.03, finest=0.5, precision="fp32",
)  # fmt: skip
"""Takes the whole way in about two minutes; its figures say nothing."""
