"""The request path as plain Python, testable without Triton: text, image, towers, index, retrieval.

The models of ``model_repository`` only move tensors in and out of this package; ``export`` embeds the catalogue with
the same code, so that offline and online cannot differ.
"""
