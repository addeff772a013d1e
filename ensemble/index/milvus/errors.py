"""What can go wrong between an index and its Milvus.

MilvusError
├── MilvusAway         (Unavailable) it does not answer, or not in time; the same call may go well later
├── MilvusEmpty        (Unavailable) nothing has been filled in yet for this space
├── MilvusRefused      it answered, and will not do what was asked; its own words are quoted
├── WrongCollection    (DamagedRelease) the collection is of another space, catalogue or format
├── AnotherFeeder      another process brings the collection up to date
└── Stopped            a feeder was asked to end, and did so between two writes
"""

from __future__ import annotations

from ensemble.errors import DamagedRelease, EnsembleError, Unavailable


class MilvusError(EnsembleError):
    """Root of all errors of the Milvus engine."""


class MilvusAway(MilvusError, Unavailable):
    """A Milvus that does not answer; nothing is lost, since the catalogue's journal has every change."""


class MilvusEmpty(MilvusError, Unavailable):
    """A Milvus that nobody has filled yet; the message says how."""


class MilvusRefused(MilvusError):
    """Milvus answered with an error."""


class WrongCollection(MilvusError, DamagedRelease):
    """A collection that holds something else than what is looked for."""


class AnotherFeeder(MilvusError):
    """Two processes must not feed one collection."""


class Stopped(MilvusError):
    """Somebody wants the feeder to end: nothing went wrong."""
