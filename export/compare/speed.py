"""How long towers take for the same queries, measured side by side as the gate measures candidates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from ensemble.opening import AnyTower
from ensemble.towers import Vectors
from export.compare.questions import Questions
from export.compare.workshop import Contestant
from export.gate import speed
from export.gate.preparation import Feed

# Size of a batch, and how many of that size there are.
FEEDS = {1: 8, 32: 2}
SECONDS = 2.0

Advance = Callable[[int], None]


def milliseconds(
    contestants: Sequence[Contestant], asked: Questions, advance: Advance, *, seconds: float = SECONDS
) -> dict[Path, dict[int, float]]:
    """Median milliseconds of a run by graph and batch, one thread; towers files that share a graph share its figures.

    Args:
        contestants: Whose towers are measured.
        asked: Real queries; they are repeated where they are too few.
        advance: Told of every batch size that is done; there are ``len(FEEDS)``.
        seconds: Spent on each graph at each size, about.
    """
    by_graph = {one.graphs[asked.kind]: one for one in contestants}
    runs = [partial(_run, place, _tower(one, asked.kind)) for place, one in enumerate(by_graph.values())]
    given = {batch: _feeds(list(by_graph.values()), asked, batch) for batch in FEEDS}
    taken = speed.milliseconds(runs, given, seconds=seconds, advance=advance)
    return dict(zip(by_graph, taken, strict=True))


def _feeds(contestants: Sequence[Contestant], asked: Questions, batch: int) -> list[Feed]:
    """Batches that hold the same queries as each tower takes them, under its place."""
    endless = cycle(asked.asked)
    chosen = [list(islice(endless, batch)) for _ in range(FEEDS[batch])]
    return [
        {
            _key(place, name): array
            for place, one in enumerate(contestants)
            for name, array in _inputs(one, asked.kind, some).items()
        }
        for some in chosen
    ]


def _run(place: int, tower: AnyTower, feed: Feed) -> Vectors:
    return tower.encode({name: feed[_key(place, name)] for name in tower.inputs})


def _key(place: int, name: str) -> str:
    return f"{place}/{name}"


def _tower(contestant: Contestant, kind: str) -> AnyTower:
    return contestant.encoders.text_tower if kind == "text" else contestant.encoders.vision_tower


def _inputs(contestant: Contestant, kind: str, some: Sequence[Any]) -> Mapping[str, Any]:
    if kind == "image":
        return {"PIXELS": contestant.encoders.image(some)}
    tokens = contestant.encoders.text(some)
    return {"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}
