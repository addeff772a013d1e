"""Reads the tensors of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.arrays import to_host
from ensemble.errors import InvalidInput
from ensemble.features.categories import path_of
from ensemble.product import parse_products
from ensemble.product_checks import MAX_ID_CHARS
from ensemble.product_tower import AnyProductTower
from ensemble.query import MAX_NORM, Tensors
from ensemble.tasks.asked import Asked, Newcomer
from ensemble.tasks.history import history_of
from ensemble.tasks.names import (
    DEFAULT_K,
    DEFAULT_PROFILE,
    MAX_K,
    MOST_ASKED,
    MOST_CATEGORIES,
    MOST_CATEGORY_CHARACTERS,
    MOST_IDS,
    MOST_SEEN,
)
from ensemble.tasks.profile import Profile
from ensemble.tasks.profile_checks import RANGES
from ensemble.tasks.profiles import Profiles

# A knob with this value is as the profile says: so a request may have rows that turn it and rows that do not.
AS_PROFILE = -1


class Reader:
    """Reads requests for one release.

    Args:
        profiles: Those that there are.
        tower: Gives products that are not in the catalogue their vectors.
        row_dim: Length of the rows that it reads.
    """

    def __init__(self, profiles: Profiles, tower: AnyProductTower, row_dim: int) -> None:
        self._profiles, self._tower, self._row_dim = profiles, tower, row_dim

    def read(self, request: Tensors, now_s: float) -> list[Asked]:
        """What each row of a request asks for.

        Args:
            request: Its inputs; see docs/tasks.md.
            now_s: Unix time, in seconds.

        Raises:
            InvalidInput: One cannot be served; names the input, and the row.
        """
        tensors = {name: to_host(tensor) for name, tensor in request.items()}
        batch = _batch(tensors)
        asked = []
        for row in range(batch):
            try:
                asked.append(self._row(_Row(tensors, row), now_s))
            except InvalidInput as error:
                raise error.at(row, of=batch) from None
        _check_work(asked)
        return asked

    def _row(self, row: _Row, now_s: float) -> Asked:
        profile = self._profiles.get(row.word("TASK") or DEFAULT_PROFILE)
        newcomer = self._newcomer(row)
        given = row.words("PRODUCT_ID"), row.many("WEIGHTS"), row.many("TIMES")
        ids, weights, ages_s = history_of(*given, now_s, profile.history)
        if newcomer is not None and ids:
            raise InvalidInput("PRODUCT_ID", "given beside ROW and PRODUCT; give one of the two")
        if newcomer is None and not ids and profile.task != "inspire":
            raise InvalidInput("PRODUCT_ID", "no product; give at least one, or ROW and PRODUCT of one")
        return Asked(
            profile=profile,
            ids=ids,
            weights=weights,
            ages_s=ages_s,
            newcomer=newcomer,
            k=_within("K", row.number("K", DEFAULT_K), 1, MAX_K),
            filter=row.text("FILTER"),
            min_seq=_within("MIN_SEQ", row.number("MIN_SEQ", 0), 0, None),
            seen=row.words("SEEN"),
            categories=_categories(
                row.words("CATEGORY", most=MOST_CATEGORIES, most_characters=MOST_CATEGORY_CHARACTERS)
            ),
            nearest=_knob(row, profile, "NEAREST", 1, profile.most_nearest),
            skip=_knob(row, profile, "SKIP", 0, profile.most_skip),
            diversity=_knob(row, profile, "DIVERSITY", 0, 1),
            per_category=_knob(row, profile, "PER_CATEGORY", 0, RANGES["per_category"].high),
            per_brand=_knob(row, profile, "PER_BRAND", 0, RANGES["per_brand"].high),
        )

    def _newcomer(self, row: _Row) -> Newcomer | None:
        vectors, text = row.many("ROW"), row.text("PRODUCT")
        if vectors is None and not text:
            return None
        if vectors is None or not text:
            missing, given = ("ROW", "PRODUCT") if vectors is None else ("PRODUCT", "ROW")
            raise InvalidInput(missing, f"missing beside {given}; a product that is not in the catalogue needs both")
        product = parse_products([text])[0]
        return Newcomer(self._tower.encode(self._checked(vectors)[None], [product])[0], product)

    def _checked(self, vector: NDArray[Any]) -> NDArray[np.float32]:
        if len(vector) != self._row_dim:
            raise InvalidInput("ROW", f"{len(vector)} numbers; {self._row_dim} are needed")
        norm = float(np.linalg.norm(vector.astype(np.float64)))
        if not np.isfinite(norm) or not 0 < norm <= MAX_NORM:
            raise InvalidInput("ROW", f"norm {norm:.3g}; a finite one above 0, of at most {MAX_NORM:g}, is needed")
        return vector.astype(np.float32)


class _Row:
    """One row of each tensor."""

    def __init__(self, tensors: Tensors, row: int) -> None:
        self._tensors, self._row = tensors, row

    def many(self, name: str) -> NDArray[Any] | None:
        """All numbers; None where the input is absent."""
        return self._tensors[name][self._row].ravel() if name in self._tensors else None

    def number(self, name: str, default: Any) -> Any:
        """The one number."""
        values = self.many(name)
        if values is None:
            return default
        if len(values) != 1:
            raise InvalidInput(name, f"{len(values)} values; one is needed")
        return values.item()

    def text(self, name: str) -> bytes:
        """The one text as bytes; empty where it is absent."""
        value = self.number(name, b"")
        return value.encode() if isinstance(value, str) else bytes(value)

    def word(self, name: str) -> str:
        """The same as a string."""
        return _decoded(name, self.text(name))

    def words(self, name: str, *, most: int = MOST_IDS, most_characters: int = MAX_ID_CHARS) -> tuple[str, ...]:
        """All texts; empty ones stay, as values of other inputs stand beside them."""
        values = self.many(name)
        given = [] if values is None else values.tolist()
        if len(given) > most:
            raise InvalidInput(name, f"{len(given):,} values; at most {most:,} are allowed")
        words = tuple(value if isinstance(value, str) else _decoded(name, value) for value in given)
        longest = max(map(len, words), default=0)
        if longest > most_characters:
            raise InvalidInput(name, f"one of {longest:,} characters; at most {most_characters:,} are allowed")
        return words


def _check_work(asked: Sequence[Asked]) -> None:
    """Refuse what would hold up all other requests for long."""
    work = sum(row.k * row.searches for row in asked)
    if work > MOST_ASKED:
        allowed = f"at most {MOST_ASKED:,} are allowed: ask for fewer products, or in fewer rows"
        raise InvalidInput("K", f"the rows ask for {work:,} products, each for K of every search; {allowed}")
    seen = sum(len(row.seen) for row in asked)
    if seen > MOST_SEEN:
        raise InvalidInput("SEEN", f"the rows name {seen:,} products; at most {MOST_SEEN:,} are allowed together")


def _batch(tensors: Tensors) -> int:
    sizes = {name: len(tensor) if tensor.ndim else 0 for name, tensor in tensors.items()}
    if not sizes:
        raise InvalidInput("PRODUCT_ID", "no input at all; give at least one product, or ROW and PRODUCT of one")
    batch = max(sizes.values())
    for name, size in sizes.items():
        if size != batch:
            raise InvalidInput(name, f"{size} rows; other inputs have {batch}")
    return batch


def _decoded(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(name, f"not UTF-8: {error}") from None


def _categories(given: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(path for one in given if (path := "/".join(path_of(one)))))


def _within(name: str, value: Any, low: float, high: float | None, *, told: str = "") -> Any:
    # A comparison with NaN is never true.
    if not (low <= value and (high is None or value <= high)):
        bounds = f"at least {low:g} is needed" if high is None else f"{low:g} to {high:g} are allowed{told}"
        raise InvalidInput(name, f"{value:g}; {bounds}")
    return value


def _knob(row: _Row, profile: Profile, name: str, low: float, high: float) -> Any:
    value = row.number(name, AS_PROFILE)
    if value == AS_PROFILE:
        return getattr(profile, name.lower())
    return _within(name, value, low, high, told=f" by profile {profile.name!r}, and {AS_PROFILE} for its own value")
