"""What the Python models count, for Prometheus: once a second, beside the requests.

A call to Triton's metrics is a message to the server and back. So a model adds to plain numbers in its own process, and
a thread tells Triton the sums. Triton is not imported here: a model hands in its ``pb_utils``, tests hand in a
stand-in, and where that has no ``MetricFamily`` nobody is told.
"""
