"""Which nodes stay FP32, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from export.precision.halves.operators import BEFORE_SUMS, ELEMENTWISE, ENDS_OF_NORMS, MOVES, SUMS
from export.precision.halves.view import Place, View, subgraphs
from export.reference import Array

LARGEST_HALF = float(np.finfo(np.float16).max)
SMALLEST_HALF = float(np.finfo(np.float16).tiny)


def islands(view: View, largest: Mapping[str, float], limit: float, operators: Mapping[str, str]) -> dict[str, str]:
    """The reason of every node that stays FP32, by its name.

    Args:
        view: The graph.
        largest: Largest magnitude of each computed value.
        limit: Nodes that read or make larger ones stay.
        operators: Reason of each operator that stays by its kind.
    """
    around = _around_sums(view)
    exact = integer_arithmetic(view)[0]
    found: dict[str, str] = {}
    for place in view.places:
        if not place.floating:
            continue
        reason = (
            _branches(place)
            or operators.get(place.node.op_type)
            or around.get(place.node.name)
            or exact.get(place.node.name)
            or _untyped(place)
            or _constants(place, view.constants)
            or _values(place, largest, limit)
        )
        if reason:
            found[place.node.name] = reason
    return found | dict.fromkeys(_between(view, found), "between FP32 nodes")


def _branches(place: Place) -> str | None:
    return "its branches stay FP32" if any(subgraphs(place.node)) else None


def _untyped(place: Place) -> str | None:
    return None if any(place.half_inputs) or any(place.half_outputs) else "its floats have no FP16 form"


def _around_sums(view: View) -> dict[str, str]:
    """Squares and masked states that are summed, and the steps from a sum to the mean or norm that it is for."""
    found: dict[str, str] = {}
    for place in view.places:
        if place.node.op_type not in SUMS or not place.floating:
            continue
        for name in view.computed(place):
            source = view.producers.get(name)
            if source is not None and source.node.op_type in BEFORE_SUMS:
                found[source.node.name] = "summed"
        found |= dict.fromkeys(_after(view, place), "completes a mean or a norm")
    return found


def _after(view: View, start: Place) -> Iterator[str]:
    waiting, seen = [start], {start.at}
    while waiting:
        for name in waiting.pop().node.output:
            for reader in view.consumers.get(name, ()):
                kind = reader.node.op_type
                if reader.at in seen or kind not in ELEMENTWISE | MOVES:
                    continue
                seen.add(reader.at)
                yield reader.node.name
                if kind not in ENDS_OF_NORMS:
                    waiting.append(reader)


def integer_arithmetic(view: View) -> tuple[dict[str, str], frozenset[str]]:
    """Arithmetic on nothing but integers and constants: masks, and pixels on their way to the first layer.

    Returns:
        The reason of each such node by its name, and the values that come of them.
    """
    born: set[str] = set()
    found: dict[str, str] = {}
    for place in view.places:
        computed = view.computed(place)
        kind = place.node.op_type
        starts = place.floating and not computed and not place.reads
        if starts or (computed and born.issuperset(computed) and kind in ELEMENTWISE | MOVES):
            born.update(place.node.output)
            if kind not in MOVES:
                found[place.node.name] = "arithmetic on a mask or on pixels"
    return found, frozenset(born)


def _constants(place: Place, constants: Mapping[str, Array]) -> str | None:
    for name in place.reads:
        size = float(np.abs(constants[name]).max(initial=0)) if name in constants else 0.0
        if not size <= LARGEST_HALF:
            return f"constant {name} of {size:.3g} overflows"
        if 0 < size < SMALLEST_HALF:
            return f"constant {name} of {size:.3g} vanishes"
    return None


def _values(place: Place, largest: Mapping[str, float], limit: float) -> str | None:
    for name in (*place.node.input, *place.node.output):
        if not largest.get(name, 0.0) <= limit:
            return f"values up to {largest[name]:.3g}"
    return None


def _between(view: View, found: Mapping[str, str]) -> Iterator[str]:
    """Cheap nodes that read from and write to FP32 nodes alone: FP16 there would be two casts for nothing."""
    cheap = {
        place.node.name
        for place in view.places
        if place.floating and place.node.op_type in ELEMENTWISE | MOVES and place.node.name not in found
    }
    reads_full: set[str] = set()
    for place in view.places:
        computed = view.computed(place)
        if place.node.name in cheap and computed and all(_full(view, name, {*found, *reads_full}) for name in computed):
            reads_full.add(place.node.name)
    between: set[str] = set()
    for place in reversed(view.places):
        wanted = {*found, *between}
        readers = [reader for name in place.node.output for reader in view.consumers.get(name, ())]
        if place.node.name in reads_full and all(reader.node.name in wanted for reader in readers):
            between.add(place.node.name)
            yield place.node.name


def _full(view: View, name: str, full: set[str]) -> bool:
    """Whether a value is made in FP32: by one of these nodes, or as an input of the graph."""
    return name not in view.producers or view.producers[name].node.name in full
