"""INT8 graphs for TensorRT by NVIDIA ModelOpt, which runs in an environment of its own (``make modelopt``)."""
