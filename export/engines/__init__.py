"""TensorRT engines from ONNX graphs: one code path for TensorRT 10 and 11, and 8.6 by its precision flags."""
