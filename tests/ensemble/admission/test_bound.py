"""How much a server takes at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ensemble.admission.bound import A_CORE, LEAST, bound_of, cores
from ensemble.admission.tickets import SLOTS


def args(asked: str | None) -> dict[str, str]:
    parameters = {} if asked is None else {"max_in_flight": {"string_value": asked}}
    return {"model_config": json.dumps({"parameters": parameters})}


def test_a_number_is_taken_as_it_is() -> None:
    assert bound_of(args("64")) == 64


@pytest.mark.parametrize("asked", ["auto", None])
def test_by_default_it_grows_with_the_cores(asked: str | None) -> None:
    assert bound_of(args(asked)) == min(SLOTS, max(LEAST, round(A_CORE * cores())))


@pytest.mark.parametrize("asked", ["", "0", "-1", "1.5", "many", str(SLOTS + 1), "\u0664"])
def test_anything_else_is_refused(asked: str) -> None:
    with pytest.raises(ValueError, match=f"`max_in_flight` must be auto, or 1 to {SLOTS}, got"):
        bound_of(args(asked))


@pytest.mark.parametrize(("told", "share"), [("50000 100000", 0.5), ("max 100000", None), ("odd", None), ("1 0", None)])
def test_a_container_has_its_share(tmp_path: Path, told: str, share: float | None) -> None:
    (tmp_path / "cpu.max").write_text(told)
    allowed = float(len(os.sched_getaffinity(0)))
    assert cores(tmp_path / "cpu.max") == (allowed if share is None else min(allowed, share))
    assert cores(tmp_path / "absent") == allowed
