"""The simulated sensor unit of a two-door lane, and the people and things between the doors.

docs/protocols/sensors.md describes the register maps.
"""
