"""From a filter's tree to a program over the columns as they lie on the device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from ensemble.index.gpu.places import Places
from ensemble.index.gpu.program import PLACE, Code, Interval, Program, Writer
from ensemble.index.names import ABSENT
from ensemble.index.nodes import And, Equals, IsIn, Node, Not, Or, Under, Within
from ensemble.index.slots import Slots

EVERYTHING = [(-inf, inf)]
NOTHING = [(inf, -inf)]


@dataclass(frozen=True)
class Compiler:
    """Compiles filters against an index as it is then: words and ids that come later are not in a program.

    Args:
        slots: The index.
        numbers: The number of each column on the device, at all times.
        places: The numbering of the device.
    """

    slots: Slots
    numbers: Mapping[str, int]
    places: Places

    def program(self, tree: Node | None) -> Program:
        """The program of a filter; of None, which every place passes."""
        writer = Writer()
        if tree is None:
            writer.compare(PLACE, EVERYTHING)
        else:
            self._write(tree, writer)
        return writer.program()

    def _write(self, node: Node, writer: Writer) -> None:
        match node:
            case Not(part):
                self._write(part, writer)
                writer.combine(Code.NOT)
            case And(parts):
                self._fold(parts, Code.AND, writer)
            case Or(parts):
                self._fold(parts, Code.OR, writer)
            case Within(field, low, high):
                writer.compare(self.numbers[field], [(low, high)])
            case Under():
                words = self.slots.stored["category"].words
                writer.compare(self.numbers["category"], runs(node.codes(words)))
            case Equals(field, value):
                writer.compare(*self._held(field, [value]))
            case IsIn(field, values):
                writer.compare(*self._held(field, values))

    def _fold(self, parts: Sequence[Node], code: Code, writer: Writer) -> None:
        """Left to right, so that a list of any length holds two values at a time."""
        for number, part in enumerate(parts):
            self._write(part, writer)
            if number:
                writer.combine(code)

    def _held(self, field: str, values: Sequence[Any]) -> tuple[int, list[Interval]]:
        """A column, and values as intervals of what it holds on the device."""
        if field == "id":
            found = self.slots.ids_by_slot.find(values)
            return PLACE, runs(self.places.of_slots(found[found != ABSENT]).tolist())
        column = self.slots.stored[field]
        if column.kind == "word":
            return self.numbers[field], runs(column.codes(values))
        return self.numbers[field], points(values)


def runs(numbers: Iterable[int]) -> list[Interval]:
    """Whole numbers as few intervals, neighbours in one; one that holds nothing where there are none."""
    wanted = set(numbers)
    low = sorted(number for number in wanted if number - 1 not in wanted)
    high = sorted(number for number in wanted if number + 1 not in wanted)
    return [(float(first), float(last)) for first, last in zip(low, high, strict=True)] or NOTHING


def points(values: Iterable[float]) -> list[Interval]:
    """Each number as an interval of its own; one that holds nothing where there are none."""
    return [(value, value) for value in sorted({float(value) for value in values})] or NOTHING
