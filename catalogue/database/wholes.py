"""Writes that are made together or not at all."""

from __future__ import annotations

from collections.abc import Sequence

from catalogue.errors import CatalogueError, NotWritten


def refused(results: Sequence[object]) -> bool:
    """Whether a write was refused."""
    return any(isinstance(one, CatalogueError) for one in results)


def none_written(results: Sequence[object]) -> list[int | CatalogueError]:
    """What is told of a whole that was not written: who was at fault, and who was not."""
    innocent = NotWritten("nothing was written, as another one of the same whole was refused")
    return [one if isinstance(one, CatalogueError) else innocent for one in results]
