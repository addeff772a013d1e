"""The kernels, in the Triton language."""
