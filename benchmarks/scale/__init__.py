"""A fleet on paper: bytes, machines and latency for catalogues of a million to a billion products.

What was measured is read from ``docs/results``; what was not is worked out by the roofline, and marked as such. The
tables of ``docs/scale.md`` are made here: ``python -m benchmarks.scale``.
"""
