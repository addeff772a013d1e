"""How large a filter may be, and how much memory its compiled form takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from ensemble.errors import InvalidInput

MAX_BYTES = 64 * 1024
MAX_DEPTH = 16
# Each looks at every slot: together they must not hold up other searches.
MAX_LEAVES = 256
MAX_OPERATORS = 1_024
MAX_VALUES = 1_000
# The most that an operator takes, and a value or the code of a word beside its characters, of four bytes at most.
OPERATOR_BYTES = 1_024
VALUE_BYTES = 96
CHARACTER_BYTES = 4


@dataclass(frozen=True)
class FilterLimits:
    """How large an expression may be.

    Args:
        nbytes: Of its text.
        depth: How deep it is nested.
        leaves: Comparisons.
        operators: ``and``, ``or``, ``not`` and the comparisons.
        values: In the lists of all ``in``.
    """

    nbytes: int = MAX_BYTES
    depth: int = MAX_DEPTH
    leaves: int = MAX_LEAVES
    operators: int = MAX_OPERATORS
    values: int = MAX_VALUES

    def beside(self, size: FilterSize) -> FilterLimits:
        """What is left for an expression that another one is joined with, whatever its depth."""
        return FilterLimits(
            max(self.nbytes - size.characters, 0),
            self.depth,
            max(self.leaves - size.leaves, 0),
            max(self.operators - size.operators, 0),
            max(self.values - size.values, 0),
        )


LIMITS = FilterLimits()


@dataclass
class FilterSize:
    """How large an expression is, as far as it was read.

    Args:
        characters: Of its text.
        operators: ``and``, ``or``, ``not`` and the comparisons.
        leaves: The comparisons.
        values: In the lists of all ``in``.
        codes: Words that stand for the categories below those that were asked for.
        limits: How large it may be.
    """

    characters: int
    operators: int = 0
    leaves: int = 0
    values: int = 0
    codes: int = 0
    limits: FilterLimits = field(default=LIMITS, repr=False)

    @property
    def nbytes(self) -> int:
        """The most memory that its compiled form takes."""
        values = VALUE_BYTES * (self.values + self.codes)
        return CHARACTER_BYTES * self.characters + OPERATOR_BYTES * self.operators + values

    def add(self, place: str, *, leaves: int = 0, values: int = 0) -> None:
        """Count an operator, with what it compares.

        Raises:
            InvalidInput: The expression is too large; names the place.
        """
        self.operators, self.leaves, self.values = self.operators + 1, self.leaves + leaves, self.values + values
        for name, count, most in (
            ("comparisons", self.leaves, self.limits.leaves),
            ("operators", self.operators, self.limits.operators),
            ("values in lists", self.values, self.limits.values),
        ):
            if count > most:
                raise InvalidInput(place, f"{count:,} {name} up to here; at most {most:,} are allowed in one filter")
