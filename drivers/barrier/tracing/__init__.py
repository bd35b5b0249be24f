"""Captured traces of boards on a line: recorded while a driver talks to one, and replayed against the driver and its profile."""
