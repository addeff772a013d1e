"""The mix: which kinds of requests, how many of each, and how often a query comes again."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtest.errors import BadMix
from loadtest.traffic.asked import RANKS
from loadtest.traffic.kinds import KINDS

MOST_K = 1_000
SHOP = Path(__file__).parents[1] / "mixes" / "shop.toml"
"""The mix that is used where none is named."""


@dataclass(frozen=True)
class Part:
    """One kind's part of the mix.

    Args:
        kind: A name of `loadtest.traffic.kinds.KINDS`.
        weight: Its part of what is not a write, or of the writes, against those of the others.
        zipf: Exponent of its popularity; see `loadtest.traffic.popularity.draw`.
        distinct: How many different requests there are.
        k: Products that a row asks for.
        rows: Queries of one request.
    """

    kind: str
    weight: float
    zipf: float = 0.8
    distinct: int = 1_000
    k: int = 10
    rows: int = 1


@dataclass(frozen=True)
class Mix:
    """What is sent.

    Args:
        parts: The searches and recommendations; weights above 0.
        writes: Writes that stream in beside them.
        writes_per_s: How many; 0: none.
        catalogue: A ``.jsonl`` catalogue: titles, filters, histories and writes come from it.
        queries: Texts; by default titles of the catalogue, or a built-in list.
        pictures: A folder of pictures that photos are made from; by default patches of colour.
        ranks: Business scores of the kind ``ranked``.
        seed: Decides every draw.
    """

    parts: tuple[Part, ...]
    writes: tuple[Part, ...] = ()
    writes_per_s: float = 0.0
    catalogue: Path | None = None
    queries: Path | None = None
    pictures: Path | None = None
    ranks: tuple[str, ...] = RANKS
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.parts:
            raise BadMix("kinds: none; give at least one, as in [kinds.text]")
        if self.writes_per_s and not self.writes:
            raise BadMix("writes.per_s: given without writes; name some, as in [writes.patch]")


def read_mix(path: Path = SHOP) -> Mix:
    """Read a mix file; paths in it are relative to its folder.

    Raises:
        BadMix: With all of its mistakes, a line each.
    """
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadMix(f"{path}: cannot be read: {error}") from None
    reader = _Reader(told)
    mix = reader.mix(path.parent)
    if reader.problems or mix is None:
        raise BadMix("\n".join(f"{path}: {problem}" for problem in reader.problems))
    return mix


@dataclass
class _Reader:
    """Reads a mix and notes what is wrong with it."""

    told: Mapping[str, Any]
    problems: list[str] = field(default_factory=list)

    def mix(self, folder: Path) -> Mix | None:
        self._only(self.told, "", ("seed", "files", "kinds", "writes", "ranks"))
        files = self._table(self.told, "files")
        self._only(files, "files.", ("catalogue", "queries", "pictures"))
        paths = {name: folder / self._text(files, f"files.{name}", name) for name in files}
        writes = dict(self._table(self.told, "writes"))
        per_s = self._number(writes.pop("per_s", 0.0), "writes.per_s", 0, 1e6)
        parts = self._parts(self._table(self.told, "kinds"), "kinds", writes=False)
        writing = self._parts(writes, "writes", writes=True)
        if not any(part.weight for part in parts):
            self.problems.append("kinds: none with a weight above 0; allowed: at least one, as in [kinds.text]")
        if per_s and not writing:
            self.problems.append("writes.per_s: given without writes; name some, as in [writes.patch]")
        seed = int(self._number(self.told.get("seed", 1), "seed", 0, 2**32, whole=True))
        ranks = self._ranks()
        if self.problems:
            return None
        known = {name: paths[name] for name in ("catalogue", "queries", "pictures") if name in paths}
        return Mix(parts, writing, per_s, ranks=ranks, seed=seed, **known)

    def _parts(self, told: Mapping[str, Any], place: str, *, writes: bool) -> tuple[Part, ...]:
        allowed = [name for name, kind in KINDS.items() if kind.writes == writes]
        made = []
        for name, settings in told.items():
            where = f"{place}.{name}"
            if name not in allowed:
                self.problems.append(f"{where}: no such kind; allowed: {', '.join(allowed)}")
            elif not isinstance(settings, dict):
                self.problems.append(f"{where}: {settings!r}; allowed: a table, as in [{where}]")
            else:
                made.append(self._part(name, settings, where))
        return tuple(part for part in made if part.weight)

    def _part(self, name: str, told: Mapping[str, Any], where: str) -> Part:
        self._only(told, f"{where}.", ("weight", "zipf", "distinct", "k", "rows"))
        return Part(
            name,
            self._number(told.get("weight", 1.0), f"{where}.weight", 0, 1e9),
            self._number(told.get("zipf", 0.8), f"{where}.zipf", 0, 10),
            int(self._number(told.get("distinct", 1_000), f"{where}.distinct", 1, 1e6, whole=True)),
            int(self._number(told.get("k", 10), f"{where}.k", 1, MOST_K, whole=True)),
            int(self._number(told.get("rows", 1), f"{where}.rows", 1, 64, whole=True)),
        )

    def _number(self, value: object, where: str, least: float, most: float, *, whole: bool = False) -> float:
        right = isinstance(value, int) if whole else isinstance(value, int | float)
        if not right or isinstance(value, bool) or not (math.isfinite(value) and least <= value <= most):  # type: ignore[arg-type, operator]
            kind = "a whole number" if whole else "a number"
            self.problems.append(f"{where}: {value!r}; allowed: {kind} from {least:g} to {most:g}")
            return least
        return float(value)  # type: ignore[arg-type]

    def _ranks(self) -> tuple[str, ...]:
        value = self.told.get("ranks", list(RANKS))
        if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
            self.problems.append(f"ranks: {value!r}; allowed: a list of business scores")
            return RANKS
        return tuple(value)

    def _text(self, told: Mapping[str, Any], where: str, name: str) -> str:
        if not isinstance(told[name], str) or not told[name]:
            self.problems.append(f"{where}: {told[name]!r}; allowed: a path, relative to this file")
            return ""
        return str(told[name])

    def _table(self, told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = told.get(name, {})
        if not isinstance(value, dict):
            self.problems.append(f"{name}: {value!r}; allowed: a table, as in [{name}]")
            return {}
        return value

    def _only(self, told: Mapping[str, Any], place: str, allowed: tuple[str, ...]) -> None:
        self.problems += [
            f"{place}{name}: unknown; allowed: {', '.join(allowed)}" for name in told if name not in allowed
        ]
