"""The index: append-only slots with a valid bit, filters over their columns, and search engines behind one protocol."""

from ensemble.index.builder import IndexBuilder
from ensemble.index.engine import Engine, Hits
from ensemble.index.exact import ExactEngine
from ensemble.index.filter import Filter, parse_filter
from ensemble.index.slots import Slots
from ensemble.index.snapshot import load, save

__all__ = ["Engine", "ExactEngine", "Filter", "Hits", "IndexBuilder", "Slots", "load", "parse_filter", "save"]
