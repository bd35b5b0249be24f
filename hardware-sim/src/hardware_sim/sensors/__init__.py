"""The simulated sensor unit of a two-door lane, and who and what is between the doors.

The register maps are docs/protocols/sensors.md.
"""
