"""The gate: what a graph of lower precision must prove on real inputs before it may serve."""
