"""How large a filter may be, and how much memory its compiled form takes."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass
class FilterSize:
    """How large an expression is, as far as it was read.

    Args:
        characters: Of its text.
        operators: ``and``, ``or``, ``not`` and the comparisons.
        leaves: The comparisons.
        values: In the lists of all ``in``.
        codes: Words that stand for the categories below those that were asked for.
    """

    characters: int
    operators: int = 0
    leaves: int = 0
    values: int = 0
    codes: int = 0

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
            ("comparisons", self.leaves, MAX_LEAVES),
            ("operators", self.operators, MAX_OPERATORS),
            ("values in lists", self.values, MAX_VALUES),
        ):
            if count > most:
                raise InvalidInput(place, f"{count:,} {name} up to here; at most {most:,} are allowed in one filter")
