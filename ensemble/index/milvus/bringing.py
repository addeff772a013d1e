"""How the collections are brought to another state of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ensemble.index.changes import Change, Changes
from ensemble.index.columns import Kind
from ensemble.index.milvus.entities import Work, check_once, work_of
from ensemble.index.milvus.parts import parts_of
from ensemble.index.milvus.writing import PATIENT_S, Writer

if TYPE_CHECKING:
    from ensemble.index.milvus.index import MilvusIndex


def apply(index: MilvusIndex, changes: Changes) -> None:
    """Apply changes, a part at a time; see ``MilvusIndex.apply``."""
    kinds, options = changes.kinds, index.connection.options
    check_once(changes.changes)
    parts = list(parts_of(changes.changes))
    for part in parts[1:]:  # the first one is checked before it is written, and the others have to be by then
        work_of(part, index.state, kinds, {change.id for change in part}, options)
    writer = Writer(index.products, index.states, index.turn)
    for part in parts:
        work = work_of(part, index.state, kinds, _held(index, part), options)
        _reserve(index, writer, work, kinds)
        writer.do(work)
    index.known(writer.write(replace(index.state, seq=changes.seq, kinds=dict(kinds), filled=True)))


def replace_all(index: MilvusIndex, changes: Iterable[Change], seq: int, kinds: Mapping[str, Kind]) -> None:
    """Take a whole catalogue in place of what there is; see ``MilvusIndex.replace``."""
    first = index.state.end  # whatever an attempt before this one left lies before it
    writer = Writer(index.products, index.states, index.turn, PATIENT_S)
    without: set[str] = set()
    for part in parts_of(changes):
        work = work_of(part, index.state, kinds, set(), index.connection.options)
        _reserve(index, writer, work, {**index.state.kinds, **kinds})
        writer.put(work.whole)
        without |= work.unembedded
    writer.drop_between(index.state.first, first)
    writer.note_unembedded(without, index.states.unembedded() - without)
    index.known(writer.write(replace(index.state, seq=seq, first=first, kinds=dict(kinds), filled=True)))
    index.products.flush()


def _held(index: MilvusIndex, changes: Sequence[Change]) -> set[str]:
    """The products that a patch is for, and that are there."""
    return index.products.held([change.id for change in changes if change.document is not None and change.row is None])


def _reserve(index: MilvusIndex, writer: Writer, work: Work, kinds: Mapping[str, Kind]) -> None:
    """Have the state know the slots and the kinds of products before they are there."""
    coming = replace(index.state, end=index.state.end + len(work.whole), kinds=dict(kinds))
    if coming != index.state:
        index.known(writer.write(coming))
