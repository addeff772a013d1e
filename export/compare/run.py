"""A whole comparison: everything is read and checked first, then built, asked and timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress

from export.compare.entries import Entry, plan_all, read_all
from export.compare.evaluation import Quality, embed_catalogue, evaluate
from export.compare.questions import Questions, questions
from export.compare.speed import FEEDS, milliseconds
from export.compare.standings import Standing
from export.compare.workshop import Contestant, Workshop
from export.queries import read_queries


@dataclass(frozen=True)
class Comparison:
    """What is to be compared, and on what.

    Args:
        towers: Towers files.
        queries: File of labelled queries.
        catalogue: Path or URL of the catalogue.
        columns: A TOML file with ``[columns]``, which goes before those of the towers files.
        kinds: Kinds of queries; all that the file has, where none is named.
    """

    towers: tuple[Path, ...]
    queries: Path
    catalogue: str
    columns: Path | None = None
    kinds: tuple[str, ...] = ()


def compare(asked: Comparison, progress: Progress) -> list[Standing]:
    """Measure every towers file.

    Args:
        asked: What is to be compared.
        progress: Where steps are shown.

    Returns:
        A standing for every towers file and kind, in their order.

    Raises:
        BadComparison: Towers, catalogue or queries cannot be used; lists every problem.
        ExportError: A tower cannot be built, or does not hold to its source.
    """
    plans = plan_all(asked.towers)
    entries = read_all(plans, asked.catalogue, asked.columns)
    groups = questions(read_queries(asked.queries), entries[0].ids, asked.kinds)
    with TemporaryDirectory(prefix="compare-") as folder:
        contestants = _build(entries, Workshop(Path(folder)), progress)
        found = {one.entry.name: _ask(one, groups, progress) for one in contestants}
        return _standings(contestants, groups, found, progress)


def _build(entries: Sequence[Entry], workshop: Workshop, progress: Progress) -> list[Contestant]:
    return [workshop.open(entry) for entry in progress.track(entries, description="towers")]


def _ask(contestant: Contestant, groups: Sequence[Questions], progress: Progress) -> dict[str, Quality]:
    total = len(contestant.entry.ids) + sum(len(group.names) for group in groups)
    task = progress.add_task(contestant.entry.name, total=total)
    rows = embed_catalogue(contestant, partial(progress.advance, task))
    return {group.kind: evaluate(contestant, rows, group, partial(progress.advance, task)) for group in groups}


def _standings(
    contestants: Sequence[Contestant],
    groups: Sequence[Questions],
    found: dict[str, dict[str, Quality]],
    progress: Progress,
) -> list[Standing]:
    standings = []
    for group in groups:
        task = progress.add_task(f"{group.kind} speed", total=len(FEEDS))
        taken = milliseconds(contestants, group, partial(progress.advance, task))
        for one in contestants:
            graph = one.graphs[group.kind]
            standings.append(
                Standing.of(one.entry.name, group.kind, found[one.entry.name][group.kind], taken[graph], graph)
            )
    return standings
