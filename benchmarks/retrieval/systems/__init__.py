"""What is compared: every engine behind one protocol, built in a folder and opened from it."""

from benchmarks.retrieval.systems.base import Search, System
from benchmarks.retrieval.systems.registry import SYSTEMS, system

__all__ = ["SYSTEMS", "Search", "System", "system"]
