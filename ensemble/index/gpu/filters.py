"""Programs of the filters in use, which most changes of a catalogue leave as they are."""

from __future__ import annotations

from dataclasses import dataclass

from ensemble.index.gpu.compiler import Compiler
from ensemble.index.gpu.program import Program
from ensemble.index.gpu.recent import Recent
from ensemble.index.masks import ENTRY_BYTES
from ensemble.index.nodes import And, Node, Not, Or, Under
from ensemble.index.slots import Slots


@dataclass(frozen=True)
class Entry:
    """One filter.

    Args:
        fields: The columns that it asks for.
        sizes: How many words, or ids, each had when it was compiled.
        program: What came out.
    """

    fields: tuple[str, ...]
    sizes: tuple[int, ...]
    program: Program

    @property
    def nbytes(self) -> int:
        """The most main memory that it takes."""
        return ENTRY_BYTES + self.program.steps.nbytes + self.program.bounds.nbytes


class CompiledFilters:
    """Programs by the text of their filter, compiled anew once a column that they ask for has more words or ids.

    Args:
        slots: The index.
        compiler: Of its filters.
        most_bytes: How much main memory may be used.
    """

    def __init__(self, slots: Slots, compiler: Compiler, most_bytes: int) -> None:
        self._slots, self._compiler = slots, compiler
        self._entries = Recent[bytes, Entry](most_bytes)

    def program(self, text: bytes, tree: Node | None) -> Program:
        """The program of a filter, as the index is now."""
        kept = self._entries.get(text)
        if kept is not None and kept.sizes == self._sizes(kept.fields):
            return kept.program
        fields = tuple(sorted(fields_of(tree)))
        entry = Entry(fields, self._sizes(fields), self._compiler.program(tree))
        self._entries.put(text, entry, entry.nbytes)
        return entry.program

    def clear(self) -> None:
        """Drop all: a column changed its kind."""
        self._entries.clear()

    def _sizes(self, fields: tuple[str, ...]) -> tuple[int, ...]:
        stored = self._slots.stored
        return tuple(len(self._slots.ids_by_slot if field == "id" else stored[field].words) for field in fields)


def fields_of(node: Node | None) -> set[str]:
    """The columns that a filter asks for."""
    match node:
        case None:
            return set()
        case Not(part):
            return fields_of(part)
        case And(parts) | Or(parts):
            return set().union(*map(fields_of, parts))
        case Under():
            return {"category"}
        case _:
            return {node.field}
