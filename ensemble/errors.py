"""What can go wrong on the request path.

EnsembleError
├── InvalidInput     the caller's fault: names the input, what was wrong, what is allowed
│   └── BadQueries   some queries of a batch cannot be searched; the others can
├── Unavailable      the request is good, but cannot be served now: the same one may be later
│   ├── Behind       the index does not hold yet what the caller asked for
│   └── Overloaded   as many requests are under way as the server takes at once
├── BadProfiles      a file of task profiles has mistakes; in ensemble.tasks.errors
├── DamagedRelease   a file of the release is missing, unreadable or of another space
├── ChangesRefused   an index cannot take what the catalogue's journal says
├── WrongCatalogue   the journal is not of the catalogue that the index follows
├── SnapshotFailed   a snapshot could not be written; those before it are untouched
└── EngineFault      the GPU could not run an engine
"""

from __future__ import annotations

from collections.abc import Sequence


class EnsembleError(Exception):
    """Root of all errors raised by ``ensemble``."""


class InvalidInput(EnsembleError):
    """An input that cannot be served.

    Args:
        name: Tensor or field at fault, as the caller knows it (``TEXT``, ``FILTER.and[0].range``).
        problem: What was wrong, and what is allowed.
        row: Row of the batch, where a request has several.
    """

    def __init__(self, name: str, problem: str, *, row: int | None = None) -> None:
        self.name, self.problem, self.row = name, problem, row
        super().__init__(f"{name}{'' if row is None else f'[{row}]'}: {problem}")

    def at(self, row: int, *, of: int) -> InvalidInput:
        """The same error, told of one row where the request has several."""
        return InvalidInput(self.name, self.problem, row=row) if of > 1 else self


class BadQueries(InvalidInput):
    """Queries that cannot be searched, as an engine finds them: it knows their positions, not their inputs' names.

    Args:
        problem: What was wrong, and what is allowed.
        rows: Their positions in the batch, one or more.
    """

    def __init__(self, problem: str, rows: Sequence[int]) -> None:
        self.rows = tuple(rows)
        super().__init__("query", problem, row=self.rows[0])


class Unavailable(EnsembleError):
    """Something that the request needs is not there now; the message says what, and what was not done."""


class Behind(Unavailable):
    """An index that has not come to the sequence number that was asked for."""


class Overloaded(Unavailable):
    """A server that has as many requests under way as it takes at once; nothing was done for this one.

    Args:
        bound: How many.
    """

    def __init__(self, bound: int) -> None:
        self.bound = bound
        super().__init__(
            f"overloaded: {bound} requests are under way, as many as this server takes at once; ask again later"
        )


class DamagedRelease(EnsembleError):
    """A file of the release cannot be used; the message names it."""


class ChangesRefused(EnsembleError):
    """Changes that do not fit an index; the message names the product. None of them was applied."""


class WrongCatalogue(EnsembleError):
    """A journal that an index cannot follow: of another catalogue, or older than the index."""


class SnapshotFailed(EnsembleError):
    """A snapshot could not be written, as on a full disk; the message names the folder."""


class EngineFault(EnsembleError):
    """The GPU, its memory or TensorRT failed while an engine ran; the message names the engine."""
