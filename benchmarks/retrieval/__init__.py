"""Searching the index: our CPU engine beside faiss, usearch and qdrant-edge, on embeddings of product titles."""
