"""The index: append-only slots with a valid bit, filters over their columns, and search engines behind one protocol."""

from ensemble.index.builder import IndexBuilder
from ensemble.index.changes import Change, Changes, Journal
from ensemble.index.engine import Engine, Hits
from ensemble.index.exact import ExactEngine
from ensemble.index.filter import Filter, parse_filter
from ensemble.index.follower import Follower
from ensemble.index.index import Index, Reading
from ensemble.index.passing import Passing
from ensemble.index.slots import Slots
from ensemble.index.snapshot import load, save
from ensemble.index.snapshots import Snapshots
from ensemble.index.source import IndexSource, Searchable, State, Still

__all__ = [
    "Change",
    "Changes",
    "Engine",
    "ExactEngine",
    "Filter",
    "Follower",
    "Hits",
    "Index",
    "IndexBuilder",
    "IndexSource",
    "Journal",
    "Passing",
    "Reading",
    "Searchable",
    "Slots",
    "Snapshots",
    "State",
    "Still",
    "load",
    "parse_filter",
    "save",
]
