"""Exact search on the GPU beside what else there is: ``python -m benchmarks.gpu``, and the served path, ``.served``."""
