"""From an FP32 graph to a strongly typed FP16 one: which nodes change, and the casts between them and the rest."""
