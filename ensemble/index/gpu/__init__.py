"""Exact search on the GPU: filters, business scores and the scan as kernels in the Triton language."""
