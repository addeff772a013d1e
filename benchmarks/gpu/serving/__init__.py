"""The served path with the GPU engine, held to its twin in this process."""
