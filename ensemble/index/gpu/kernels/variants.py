"""Which variants of the kernels an index may ask for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ensemble.index.gpu.kernels.conclude import BLOCK as CONCLUDED
from ensemble.index.gpu.kernels.conclude import WARPS as CONCLUDING_WARPS
from ensemble.index.gpu.kernels.conclude import conclude
from ensemble.index.gpu.kernels.passing import variants as passing_variants
from ensemble.index.gpu.kernels.prepare import prepare
from ensemble.index.gpu.kernels.rescore import rescore
from ensemble.index.gpu.kernels.scan import scan
from ensemble.index.gpu.kernels.tiles import BATCHES, ROW_MULTIPLE, ROW_TYPES, RowType, Tile, candidates
from ensemble.index.gpu.kernels.variant import Variant

DIMS = (256, 384, 512, 768, 1_024)

_POINTERS = {
    "*fp16": ("halves", "base", "tail"),
    "*fp32": ("queries", "units", "scales", "spreads", "errors", "reaches", "boosts", "chosen", "maxima"),
    "*fp64": ("scores", "packed"),
    "*i32": ("usable", "words", "which_words", "which_boost"),
    "*i64": ("bins", "places", "counts"),
}
_TYPES = {name: kind for kind, names in _POINTERS.items() for name in names}
_FLOATS = ("longest", "gamma", "spread")


class Mode(NamedTuple):
    """What the queries of a batch have: each a filter of its own; how many boosts; any filter at all."""

    each_words: bool
    boost: int
    skip: bool


# What asks for the fewest registers, and for the most.
MODES = (Mode(each_words=False, boost=0, skip=False), Mode(each_words=True, boost=2, skip=True))


def variants(dims: Iterable[int] = DIMS, *, every: bool = False) -> Iterator[Variant]:
    """All kernels as they are compiled for rows of some lengths.

    Args:
        dims: Multiples of ``ROW_MULTIPLE``.
        every: With all candidates of a tile, not the first of each alone.
    """
    yield from passing_variants()
    yield Variant(conclude, "any answer", _types(conclude), {"BLOCK": CONCLUDED}, CONCLUDING_WARPS)
    for dim in dims:
        for halves in (1, 2):
            block = 1 << (dim - 1).bit_length()
            yield Variant(prepare, f"dim {dim}, halves {halves}", _types(prepare), {"BLOCK": block, "HALVES": halves})
        for boosted in (False, True):
            constants = {"DIM": dim, "CHUNK": ROW_MULTIPLE, "BOOST": boosted}
            yield Variant(rescore, f"dim {dim}, boost {int(boosted)}", _types(rescore), constants)
        for row_type, tile in _tiles(every=every):
            yield from (scan_variant(dim, row_type, tile, mode) for mode in MODES)


def scan_variant(dim: int, row_type: RowType, tile: Tile, mode: Mode) -> Variant:
    """The scan of rows of one length and type."""
    constants: dict[str, Any] = {
        "DIM": dim,
        "ROWS": tile.rows,
        "QUERIES": tile.queries,
        "CHUNK": tile.chunk_of(dim),
        "HALVES": tile.halves,
        "SCALED": row_type == "int8",
        "EACH_WORDS": mode.each_words,
        "BOOST": mode.boost,
        "SKIP": mode.skip,
    }
    about = f"dim {dim}, {row_type}, {tile.rows} x {tile.queries} x {tile.chunk}, halves {tile.halves}, "
    about += f"warps {tile.warps}, stages {tile.stages}, {'all modes' if mode.skip else 'plain'}"
    types = _types(scan) | {"rows": "*i8" if row_type == "int8" else "*fp16"}
    return Variant(scan, about, types, constants, tile.warps, tile.stages)


def _tiles(*, every: bool) -> Iterator[tuple[RowType, Tile]]:
    found = [
        (kind, tile)
        for kind in ROW_TYPES
        for batch in BATCHES
        for tile in candidates(kind, batch)[: None if every else 1]
    ]
    yield from dict.fromkeys(found)


def _types(kernel: Any) -> dict[str, str]:
    """The types of a kernel's arguments by their names, which mean the same in all."""
    names = [parameter.name for parameter in kernel.params if not parameter.is_constexpr]
    return {name: "fp32" if name in _FLOATS else _TYPES.get(name, "i32") for name in names}
