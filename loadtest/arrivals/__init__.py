"""Open arrivals: requests start on schedule, whatever became of those before."""
