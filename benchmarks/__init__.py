"""Performance and quality, measured with correctness asserted inside; results under docs/results."""
