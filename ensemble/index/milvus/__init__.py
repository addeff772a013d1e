"""The index in a Milvus, for a catalogue that one machine cannot hold: one process feeds it, many search it."""

from ensemble.index.milvus.errors import (
    AnotherFeeder,
    MilvusAway,
    MilvusEmpty,
    MilvusError,
    MilvusRefused,
    Stopped,
    WrongCollection,
)
from ensemble.index.milvus.index import MilvusIndex
from ensemble.index.milvus.options import MilvusOptions
from ensemble.index.milvus.reading import MilvusReading
from ensemble.index.milvus.source import MilvusSource

__all__ = [
    "AnotherFeeder",
    "MilvusAway",
    "MilvusEmpty",
    "MilvusError",
    "MilvusIndex",
    "MilvusOptions",
    "MilvusReading",
    "MilvusRefused",
    "MilvusSource",
    "Stopped",
    "WrongCollection",
]
