"""The CPU engine: lists of near rows by FAISS, exact scores from the slots, as many hits as pass."""

from ensemble.index.ann.building import FILES, Built, build
from ensemble.index.ann.engine import AnnEngine
from ensemble.index.ann.training import LEAST_ROWS

__all__ = ["FILES", "LEAST_ROWS", "AnnEngine", "Built", "build"]
