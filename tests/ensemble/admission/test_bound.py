"""How much a server takes at once."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ensemble.admission import bound
from ensemble.admission.bound import bound_of, cores


def args(asked: str | None) -> dict[str, str]:
    parameters = {} if asked is None else {"max_in_flight": {"string_value": asked}}
    return {"model_config": json.dumps({"parameters": parameters})}


def test_a_number_is_taken_as_it_is() -> None:
    assert bound_of(args("64")) == 64


@pytest.mark.parametrize("asked", ["auto", None])
@pytest.mark.parametrize(("has", "expected"), [(0.5, 32), (2.0, 32), (3.0, 48), (8.0, 128), (64.0, 128)])
def test_by_default_it_grows_with_the_cores_as_far_as_they_are_of_use(
    asked: str | None, has: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bound, "cores", lambda: has)
    assert bound_of(args(asked)) == expected


@pytest.mark.parametrize("asked", ["", "0", "-1", "1.5", "many", "257", "\u0664"])
def test_anything_else_is_refused(asked: str) -> None:
    with pytest.raises(ValueError, match="`max_in_flight` must be auto, or 1 to 256, got"):
        bound_of(args(asked))


@pytest.mark.parametrize(("told", "share"), [("50000 100000", 0.5), ("max 100000", None), ("odd", None), ("1 0", None)])
def test_a_container_has_its_share(tmp_path: Path, told: str, share: float | None) -> None:
    (tmp_path / "cpu.max").write_text(told)
    allowed = float(len(os.sched_getaffinity(0)))
    assert cores(tmp_path / "cpu.max") == (allowed if share is None else min(allowed, share))
    assert cores(tmp_path / "absent") == allowed
