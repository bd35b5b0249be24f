"""Simulated readers of machine-readable zones, one for each protocol, with their own encoders."""
