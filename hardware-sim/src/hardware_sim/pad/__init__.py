"""A simulated sensor that reports whether a person stands before it, and its faults."""
