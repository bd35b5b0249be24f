"""A simulated passport issuer: a country's signing keys, the data groups of a chip, and named forgeries.

Written from ICAO Doc 9303. It shares no encoder with the gate, so that a mistake on one side becomes visible.
"""
