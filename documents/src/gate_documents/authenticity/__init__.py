"""Authenticity of the chip and its content: the mechanisms of ICAO 9303-11, one file each."""
