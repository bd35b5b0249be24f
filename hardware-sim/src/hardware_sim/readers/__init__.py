"""Simulated readers of machine-readable zones, one a protocol, each with encoders of its own."""
