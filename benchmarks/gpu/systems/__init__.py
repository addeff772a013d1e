"""What is compared: every system behind one protocol."""

from benchmarks.gpu.systems.base import Absent, Search, System
from benchmarks.gpu.systems.registry import OURS, SYSTEMS

__all__ = ["OURS", "SYSTEMS", "Absent", "Search", "System"]
