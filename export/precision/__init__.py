"""Precision in the graph: from one FP32 graph, an FP16 graph and INT8 graphs by several recipes."""
