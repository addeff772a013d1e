"""Chooses a tower: the same evaluation over several towers files, quality beside latency and size."""
