"""Writes that come through the server: tensors to transactions, without Triton.

The models ``commit_product``, ``commit_patch`` and ``commit_deletion`` call this package; what is answered is durable.
"""

from catalogue.serving.connection import Connection
from catalogue.serving.opening import open_commits, open_deletions, open_patches
from catalogue.serving.writer import Writer
from ensemble.variables import CATALOGUE

__all__ = ["CATALOGUE", "Connection", "Writer", "open_commits", "open_deletions", "open_patches"]
