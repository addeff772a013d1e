"""How much a server takes at once."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from ensemble.admission.tickets import SLOTS

PARAMETER = "max_in_flight"
AUTO = "auto"
# For a burst; while a queue stands, a quarter. Measured: see docs/decisions/0006.
A_CORE = 16
LEAST = 32
# A quarter of it is what the models' instances can have use of, as long as their configs do not ask for more of them.
MOST_AUTO = 128
# Probes may find twice as much under way, and every process has a slot for each.
MOST = SLOTS // 2
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def bound_of(args: Mapping[str, str]) -> int:
    """What ``max_in_flight`` in a model's config says.

    Little's law tells what a bound means: requests under way = requests a second x seconds that each takes. A server
    that answers 400 a second and may take 40 ms for each has 16 of them under way.

    Args:
        args: What Triton hands to ``initialize``.

    Raises:
        ValueError: It is neither ``auto`` nor a number that is allowed.
    """
    parameters = json.loads(args["model_config"]).get("parameters", {})
    asked = parameters.get(PARAMETER, {}).get("string_value", AUTO)
    if asked == AUTO:
        return min(MOST_AUTO, max(LEAST, round(A_CORE * cores())))
    if not (asked.isascii() and asked.isdigit() and 1 <= int(asked) <= MOST):
        raise ValueError(f"`{PARAMETER}` must be {AUTO}, or 1 to {MOST}, got {asked!r}")
    return int(asked)


def cores(quota: Path = _QUOTA) -> float:
    """Processor cores that this process may use; of a container that has a share of the machine, its share.

    Args:
        quota: Where Linux (cgroup 2) says how many microseconds may be used in how many.
    """
    allowed = float(len(os.sched_getaffinity(0)))
    try:
        used, period = quota.read_text().split()
        return allowed if used == "max" else min(allowed, int(used) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return allowed
