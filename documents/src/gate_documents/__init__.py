"""Inspection of ICAO 9303 travel documents: bytes in, bytes out.

No I/O, no clock, no randomness of its own, and nothing of the other rooms: a library by itself. `inspection` is the way in.
"""
