"""One HTML page, and one JSON file beside it, of what a load came to."""
