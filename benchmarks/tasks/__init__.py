"""Three recommendation tasks judged on the real purchases of a web shop."""
