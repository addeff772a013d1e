"""What one server carries, and what becomes of callers while its releases are switched: ``make bench-load``."""
