"""Convolutions in 8 bits for ONNX Runtime on CPUs: which layers, on which steps, and the graph with explicit Q/DQ."""
