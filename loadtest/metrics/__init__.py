"""What the server's Prometheus metrics tell of a load: how long each step takes, over time."""
