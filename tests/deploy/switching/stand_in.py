"""A server that loads nothing and knows its answers: to see what a switch asks of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from deploy.command import beside
from deploy.configs import read_config
from deploy.control import Control
from deploy.events import EventLog
from deploy.launch import Running
from deploy.process import TritonProcess
from deploy.serving import Served, Serving
from deploy.store import find_release, live_of
from deploy.switching.catching_up import CatchUp
from deploy.switching.hands import Hands
from deploy.switching.switchboard import Switchboard
from deploy.view import View
from ensemble.versions import is_ensemble


class Clock:
    """Time that passes while models are loaded, and while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []
        self.hurried = False

    def monotonic(self) -> float:
        return self.now

    def pause(self, seconds: float) -> bool:
        self.slept.append(round(seconds, 3))
        self.now += seconds
        return self.hurried


class Alive(TritonProcess):
    """A process that nobody started and that does not end."""

    def __init__(self) -> None:
        self.pid = 0

    @property
    def returncode(self) -> int | None:
        return None


class Triton(Control):
    """Keeps what it was told to load, and answers each release's ``hello``.

    Args:
        folder: The view.
        clock: Goes on by ``load_s`` with each model.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__("127.0.0.1", 1)
        self.folder, self.clock, self.load_s = folder, clock, 0.1
        self.gently: list[bool] = []
        self.loaded: list[str] = []
        self.unloaded: list[str] = []
        self.asked: list[str] = []

    def load(self, model: str, timeout_s: float) -> None:
        self.loaded.append(model)
        self.clock.now += self.load_s
        self.gently.append(beside(self.folder.parent).exists())

    def unload(self, model: str, timeout_s: float) -> None:
        self.unloaded.append(model)

    def ready_versions(self) -> set[tuple[str, int]]:
        configs = {path.parent.name: read_config(path) for path in self.folder.glob("*/config.pbtxt")}
        versions = {
            name: [1] if is_ensemble(config) else config.version_policy.specific.versions
            for name, config in configs.items()
        }
        return {(name, number) for name, numbers in versions.items() for number in numbers}

    def input_types(self, model: str) -> dict[str, str]:
        return {}

    def infer(self, model: str, inputs: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        self.asked.append(model)
        step = read_config(self.folder / model / "config.pbtxt").ensemble_scheduling.step[0]
        ids = {1: [b"p5", b"q5"], 2: [b"r5", b"s5"]}[step.model_version]
        return {"PRODUCT_ID": np.array([ids], object), "SCORE": np.array([[7.5, 5.0]], np.float32)}


class NothingLacks(CatchUp):
    """Notes that it was asked to embed."""

    def run(self, tell: Any) -> None:
        tell("embedding")


class Stand:
    """A switchboard over such a server, which has release 1 of a store."""

    def __init__(self, store: Path, folder: Path, *, catch_up: bool = False) -> None:
        self.clock = Clock()
        one = find_release(store, 1)
        view = View(folder / "view", one)
        self.triton = Triton(view.folder, self.clock)
        self.running = Running(Alive(), self.triton, view)
        events, stopping = EventLog(folder / "events.jsonl"), threading.Event()
        hands = Hands(lambda: self.running, lambda: nullcontext(self.running), stopping)
        lacking = NothingLacks("", store / "models", "", events, stopping) if catch_up else None
        serving = Serving(store, Served.of(one, live_of(store, 1)))
        self.board = Switchboard(store, serving, hands, events, lacking)

    @property
    def shadows(self) -> list[str]:
        """The names of a canary that were loaded, in their order."""
        return [name for name in self.triton.loaded if name.endswith("_canary")]
