"""A passport office in miniature: a country's signing keys, the data groups of a chip, and forgeries with a name.

Written from ICAO Doc 9303 and shares no encoder with the gate, so that a mistake on one side shows on the other.
"""
