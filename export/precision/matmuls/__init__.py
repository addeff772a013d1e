"""INT8 matrix products for ONNX Runtime on a CPU."""
