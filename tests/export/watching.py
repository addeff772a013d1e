"""What a release does again, and what it takes from an earlier try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ensemble.index import IndexBuilder
from ensemble.release import Manifest
from export import proving, release, sources, text_towers, tower_steps, vision_towers


class Watch:
    """Notes which of the expensive functions are called, and breaks off in one of them.

    Args:
        patch: Undone at the end of the test.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self._stop: tuple[str, BaseException] | None = None
        for owner, name, told in (
            (text_towers, "_build_onnx", lambda *_, **__: "load text"),
            (vision_towers, "_build_onnx", lambda *_, **__: "load vision"),
            (tower_steps, "text_cases", lambda *_, **__: "cases text"),
            (sources, "hold", lambda model, *_, **__: f"check {_kind(model)}"),
            (proving, "make_candidates", lambda graph, *_, **__: f"make {_kind(graph.parent.name)}"),
            (proving, "evaluate", lambda trial, *_, **__: f"judge {trial.kind}"),
            (release, "embed", lambda *_, **__: "embed"),
            (IndexBuilder, "save", lambda *_, **__: "index"),
            (release, "make_probe", lambda *_, **__: "probe"),
            (release, "move_models", lambda *_, **__: "commit"),
        ):
            patch.setattr(owner, name, self._watched(getattr(owner, name), told))

    def break_off(self, call: str, error: BaseException) -> None:
        """From now on, raise in a call; nothing is noted of it."""
        self.calls.clear()
        self._stop = (call, error)

    def go_on(self) -> None:
        """Let everything through again."""
        self.calls.clear()
        self._stop = None

    def _watched(self, function: Callable[..., Any], told: Callable[..., str]) -> Callable[..., Any]:
        def watched(*arguments: Any, **named: Any) -> Any:
            call = told(*arguments, **named)
            if self._stop is not None and call == self._stop[0]:
                raise self._stop[1]
            self.calls.append(call)
            return function(*arguments, **named)

        return watched


def _kind(model: str) -> str:
    return "text" if "text" in model else "vision"


def resumed(made: Manifest) -> dict[str, object]:
    """Steps whose work an earlier try did."""
    return {step.name: step.figures["resumed"] for step in made.steps if "resumed" in step.figures}


def untimed(made: Manifest) -> dict[str, Any]:
    """What a release is, without how long anything took and when."""
    towers = {
        name: {**tower, "candidates": [_untimed(one) for one in tower["candidates"]]}
        for name, tower in made.towers.items()
    }
    steps = [(step.name, without(step.figures, "resumed", "bytes")) for step in made.steps]
    # The report tells times, and the head of the index the database that was made for the store.
    timed = ("report.html", "index.json", "index.json.sha256")
    outputs = {name: digest for name, digest in made.outputs.items() if not name.endswith(timed)}
    return {
        "towers": towers,
        "steps": steps,
        "outputs": outputs,
        "space": made.space_id,
        "figures": made.figures,
        "inputs": made.inputs,
        "notes": made.notes,
    }


def _untimed(candidate: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in candidate.items() if not name.startswith(("latency", "throughput"))}


def without(figures: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Figures but for some."""
    return {name: value for name, value in figures.items() if name not in names}
