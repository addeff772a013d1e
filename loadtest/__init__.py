"""Load on a Tandem server, by locust users of both protocols. See ``loadtest/locustfile.py``."""
