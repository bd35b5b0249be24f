"""The machine-readable zone, the MRZ: its sizes, its text and fields, and the checks of it (ICAO 9303-3 to 9303-7)."""
