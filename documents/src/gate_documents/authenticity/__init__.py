"""Is the chip genuine, and is what it says what the issuer signed: the mechanisms of ICAO 9303-11, a file each."""
