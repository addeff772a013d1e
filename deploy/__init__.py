"""The embedded Triton server: found, started, proved, watched and stopped without leftovers."""
