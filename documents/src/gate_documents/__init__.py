"""Inspection of ICAO 9303 travel documents: bytes in, bytes out.

No I/O, no clock, no randomness of its own, and no imports of other rooms: a standalone library. `inspection` is the entry point.
"""
