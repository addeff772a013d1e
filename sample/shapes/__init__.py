"""Shapes of the shop, one file a department: pure functions from a ``Form`` to a list of ``Part``."""
