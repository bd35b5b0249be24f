"""The Logical Data Structure of ICAO 9303-10: the files of a chip, parsed strictly and within limits."""
